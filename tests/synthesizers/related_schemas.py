"""Related tables whose rows keep rules across tables, and these rules."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa

DAY = 86_400_000_000
Tables = dict[str, pa.Table]


def times(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    return pa.array(values, pa.timestamp("us"), mask=missing)


def dates(values: np.ndarray) -> pa.Array:
    return pa.array((values // DAY).astype(np.int32), pa.date32())


def shop() -> Tables:
    """Orders after sign-ups, items sent after orders, copied prices, and totals on two levels."""
    rng = np.random.default_rng(3)
    signed = 1_600_000_000_000_000 // DAY * DAY + rng.integers(0, 900, 120) * DAY
    price = np.round(rng.uniform(1, 200, 80), 2)
    counts = rng.poisson(3, 120)
    owner = np.repeat(np.arange(120), counts)
    size = len(owner)
    placed = signed[owner] + rng.integers(0, 400 * 24 * 3600, size) * 1_000_000
    currency = np.array(["EUR", "USD", "GBP", "CHF"])[rng.integers(0, 4, size)]
    order = np.repeat(np.arange(size), rng.integers(1, 5, size))
    product, quantity = rng.integers(0, 80, len(order)), rng.integers(1, 6, len(order))
    amount = np.round(price[product] * quantity, 2)
    total = np.round(np.bincount(order, weights=amount, minlength=size), 2)
    last = np.zeros(120, np.int64)
    np.maximum.at(last, owner, placed)
    return {
        "customers": pa.table(
            {
                "customer_id": np.arange(120) + 1,
                "signed_up": dates(signed),
                "n_orders": counts,
                "last_order": times(last, counts == 0),
            }
        ),
        "products": pa.table(
            {"product_id": np.arange(80) + 500, "price": price, "weight": rng.normal(5, 1, 80)}
        ),
        "orders": pa.table(
            {
                "order_id": np.arange(size) + 1000,
                "customer_id": owner + 1,
                "placed": times(placed),
                "currency": currency,
                "total": total,
                "total_with_tax": np.round(total * 1.2, 2),
            }
        ),
        "order_items": pa.table(
            {
                "item_id": np.arange(len(order)) + 1,
                "order_id": order + 1000,
                "product_id": product + 500,
                "currency": currency[order],
                "unit_price": price[product],
                "list_price": np.round(price[product] * 1.5, 2),
                "quantity": quantity,
                "amount": amount,
                "shipped": times(
                    placed[order] + rng.integers(3600, 3 * 86400, len(order)) * 1_000_000
                ),
            }
        ),
    }


SHOP_RULES = {
    "order_items.currency = orders.currency": "SELECT count(*) FROM order_items i "
    "JOIN orders o USING (order_id) WHERE i.currency IS DISTINCT FROM o.currency",
    "order_items.unit_price = products.price": "SELECT count(*) FROM order_items i "
    "JOIN products p USING (product_id) WHERE i.unit_price <> p.price",
    "order_items.list_price = 1.5 * products.price": "SELECT count(*) FROM order_items i "
    "JOIN products p USING (product_id) WHERE abs(i.list_price - 1.5 * p.price) > 0.005001",
    "customers.n_orders = number of orders": "SELECT count(*) FROM customers c "
    "WHERE n_orders <> (SELECT count(*) FROM orders o WHERE o.customer_id = c.customer_id)",
    "customers.last_order = latest orders.placed": "SELECT count(*) FROM customers c WHERE "
    "last_order IS DISTINCT FROM "
    "(SELECT max(placed) FROM orders o WHERE o.customer_id = c.customer_id)",
    "orders.total = sum of order_items.amount": "SELECT count(*) FROM orders o WHERE total <> "
    "(SELECT round(coalesce(sum(amount), 0), 2) FROM order_items i WHERE i.order_id = o.order_id)",
    "orders.placed >= customers.signed_up": "SELECT count(*) FROM orders o "
    "JOIN customers c USING (customer_id) WHERE o.placed < c.signed_up",
    "order_items.shipped >= orders.placed": "SELECT count(*) FROM order_items i "
    "JOIN orders o USING (order_id) WHERE i.shipped < o.placed",
}


def rentals() -> Tables:
    """Payments with two parents, totals that are missing or whole decimals, dates as text."""
    rng = np.random.default_rng(4)
    rate = np.array([0.99, 2.99, 4.99, 7.5])[rng.integers(0, 4, 60)]
    counts = rng.integers(0, 6, 150)
    renter = np.repeat(np.arange(150), counts)
    size = len(renter)
    film = rng.integers(0, 60, size)
    rented = 1_700_000_000_000_000 // DAY * DAY + rng.integers(0, 300 * 86400, size) * 1_000_000
    paid = (rented // DAY + rng.integers(0, 9, size)) * DAY
    count = rng.random(size) < 0.8
    spent = np.bincount(renter[count], weights=rate[film][count], minlength=150)
    payers = np.bincount(renter[count], minlength=150) > 0
    return {
        "renters": pa.table(
            {
                "renter_id": [f"R{i:04d}" for i in range(150)],
                "spent": pa.array(
                    [
                        Decimal(f"{x:.2f}") if p else None
                        for x, p in zip(spent, payers, strict=True)
                    ],
                    pa.decimal128(10, 2),
                ),
            }
        ),
        "films": pa.table(
            {"film_id": np.arange(60), "rate": rate, "length": rng.normal(90, 9, 60)}
        ),
        "rentals": pa.table(
            {
                "rental_id": np.arange(size),
                "renter_id": [f"R{i:04d}" for i in renter],
                "film_id": film,
                "rented": times(rented),
                "amount": rate[film],
            }
        ),
        "payments": pa.table(
            {
                "payment_id": np.arange(count.sum()) + 7,
                "renter_id": [f"R{i:04d}" for i in renter[count]],
                "rental_id": np.arange(size)[count],
                "paid": [str(np.datetime64(int(t) // DAY, "D")) for t in paid[count]],
                "amount": rate[film][count],
            }
        ),
    }


RENTAL_RULES = {
    "rentals.amount = films.rate": "SELECT count(*) FROM rentals r "
    "JOIN films f USING (film_id) WHERE r.amount <> f.rate",
    "payments.amount = rentals.amount": "SELECT count(*) FROM payments p "
    "JOIN rentals r USING (rental_id) WHERE p.amount <> r.amount",
    "renters.spent = sum of payments.amount": "SELECT count(*) FROM renters r WHERE spent "
    "IS DISTINCT FROM (SELECT sum(amount)::DECIMAL(10, 2) FROM payments p "
    "WHERE p.renter_id = r.renter_id)",
    "payments.paid >= day of rentals.rented": "SELECT count(*) FROM payments p "
    "JOIN rentals r USING (rental_id) WHERE p.paid::DATE < r.rented::DATE",
}


def clinic() -> Tables:
    """A composite key, a date that is the day of a parent's time, least and largest numbers."""
    rng = np.random.default_rng(5)
    patient = np.repeat(np.arange(100), rng.integers(1, 5, 100))
    size = len(patient)
    first = np.maximum.accumulate(np.where(np.diff(patient, prepend=-1) > 0, np.arange(size), 0))
    number = np.arange(size) - first + 1
    admitted = 1_650_000_000_000_000 + rng.integers(0, 500 * 86400, size) * 1_000_000
    stay = np.repeat(np.arange(size), rng.integers(0, 5, size))
    pulse = rng.integers(50, 140, len(stay))
    highest = np.zeros(size, np.int64)
    np.maximum.at(highest, stay, pulse)
    empty = np.bincount(stay, minlength=size) == 0
    return {
        "patients": pa.table({"patient_id": np.arange(100) + 10, "age": rng.integers(18, 90, 100)}),
        "stays": pa.table(
            {
                "patient_id": patient + 10,
                "stay_no": number,
                "admitted": times(admitted),
                "highest_pulse": pa.array(highest, pa.int16(), mask=empty),
            }
        ),
        "readings": pa.table(
            {
                "reading_id": np.arange(len(stay)),
                "patient_id": patient[stay] + 10,
                "stay_no": number[stay],
                "pulse": pulse,
                "day": dates(admitted[stay]),
            }
        ),
    }


CLINIC_RULES = {
    "stays.highest_pulse = largest readings.pulse": "SELECT count(*) FROM stays s WHERE "
    "highest_pulse IS DISTINCT FROM (SELECT max(pulse) FROM readings r "
    "WHERE r.patient_id = s.patient_id AND r.stay_no = s.stay_no)",
    "readings.day = day of stays.admitted": "SELECT count(*) FROM readings r "
    "JOIN stays s USING (patient_id, stay_no) WHERE r.day <> s.admitted::DATE",
}


def firm() -> Tables:
    """A tree in one table, a table named like a key, a total of products."""
    rng = np.random.default_rng(6)
    boss = np.array([-1, *(rng.integers(i // 2, i) for i in range(1, 300))])
    opened = 1_500_000_000_000_000 // DAY * DAY + rng.integers(0, 1500, 25) * DAY
    site = rng.integers(0, 25, 300)
    hired = opened[site] + rng.integers(0, 900, 300) * DAY
    order = np.argsort(hired)  # nobody comes before their manager
    site, hired = site[order], hired[order]
    worker = np.repeat(np.arange(300), rng.integers(0, 5, 300))
    hours, wage = rng.integers(1, 12, len(worker)), np.round(rng.uniform(15, 60, len(worker)), 1)
    pay = np.bincount(worker, weights=hours * wage, minlength=300)
    return {
        "id": pa.table(
            {"id": np.arange(25) + 1, "opened": dates(opened), "area": rng.normal(90, 20, 25)}
        ),
        "employees": pa.table(
            {
                "employee_id": np.arange(300) + 1,
                "manager_id": pa.array(boss + 1, pa.int64(), mask=boss < 0),
                "site_id": pa.array(site + 1),
                "hired": dates(hired),
                "reports": np.bincount(boss[1:], minlength=300),
                "pay": np.round(pay, 1),
            }
        ),
        "shifts": pa.table(
            {
                "shift_id": np.arange(len(worker)) + 1,
                "employee_id": worker + 1,
                "hours": hours,
                "wage": wage,
            }
        ),
    }


FIRM_RULES = {
    "employees.reports = number of employees": "SELECT count(*) FROM employees e "
    "WHERE reports <> (SELECT count(*) FROM employees b WHERE b.manager_id = e.employee_id)",
    "employees.pay = sum of shifts.hours * shifts.wage": "SELECT count(*) FROM employees e WHERE "
    "pay <> (SELECT round(coalesce(sum(hours * wage), 0), 1) FROM shifts s "
    "WHERE s.employee_id = e.employee_id)",
    "employees.hired >= employees.hired": "SELECT count(*) FROM employees e "
    "JOIN employees b ON e.manager_id = b.employee_id WHERE e.hired < b.hired",
    "employees.hired >= id.opened": "SELECT count(*) FROM employees e "
    "JOIN id i ON e.site_id = i.id WHERE e.hired < i.opened",
}

SCHEMAS = {
    "shop": (shop, SHOP_RULES, None),
    "rentals": (rentals, RENTAL_RULES, None),
    "clinic": (clinic, CLINIC_RULES, None),
    "firm": (firm, FIRM_RULES, {"employees.site_id": "id.id"}),
}
