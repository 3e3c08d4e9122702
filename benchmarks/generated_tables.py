"""Related tables with known dependence between parents, grandparents and children, made by rules.

No column is personal, and every label has enough rows, so that whatever a sample loses, a model
has lost.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

Tables = dict[str, pa.Table]

_START = 1_700_000_000_000_000
_DAY = 86_400_000_000


def retail(seed: int = 0) -> Tables:
    """Ten tables, 59,000 rows: lines follow orders, customers, products and suppliers."""
    rng = np.random.default_rng(seed)
    climate, wealth = rng.integers(0, 4, 40), rng.normal(0, 1, 40)
    region = rng.integers(0, 40, 400)
    size = np.clip(np.rint(wealth[region] + rng.normal(0, 0.7, 400)), -1, 1).astype(int) + 1
    rent = np.round(np.exp(6 + 0.5 * size + 0.3 * wealth[region] + rng.normal(0, 0.2, 400)), 1)
    country, quality = rng.integers(0, 8, 120), rng.normal(0, 1, 120)
    supplier = rng.integers(0, 120, 600)
    category = (country[supplier] + rng.integers(0, 4, 600)) % 8
    price = np.round(
        np.exp(2 + 0.3 * category + 0.4 * quality[supplier] + rng.normal(0, 0.3, 600)), 2
    )
    home = rng.choice(400, 4_000, p=(size + 1) / (size + 1).sum())
    age = np.clip(np.rint(rng.normal(38 + 6 * size[home], 11)), 18, 90).astype(int)
    segment = (climate[region[home]] + (rng.random(4_000) < 0.25) * rng.integers(0, 4, 4_000)) % 4
    owner = np.sort(rng.choice(4_000, 12_000, p=(segment + 1) / (segment + 1).sum()))
    online = rng.random(12_000) < 1 / (1 + np.exp((age[owner] - 45) / 6))
    channel = np.where(online, 0, 1 + (rng.random(12_000) < 0.25 * segment[owner]))
    discount = 5 * np.minimum(rng.poisson(0.4 + 1.5 * size[home[owner]]), 8)
    placed = _START + rng.integers(0, 700, 12_000) * _DAY + rng.integers(0, 86_400, 12_000) * 10**6
    order = np.sort(rng.integers(0, 12_000, 30_000))
    pick = rng.integers(0, 600, (30_000, 4))
    fits = rng.random((30_000, 4)) + 1.2 * (category[pick] % 3 == channel[order][:, None])
    product = pick[np.arange(30_000), fits.argmax(axis=1)]
    quantity = 1 + rng.poisson(0.5 + segment[owner[order]] + 2 * (category[product] < 2))
    returned = rng.random(30_000) < 1 / (1 + np.exp(2 + 1.5 * quality[supplier[product]]))
    guest = rng.integers(0, 4_000, 8_000)
    branch = np.where(rng.random(8_000) < 0.6, home[guest], rng.integers(0, 400, 8_000))
    minutes = np.round(
        np.exp(3 + 0.02 * (age[guest] - 40) + 0.3 * size[branch] + rng.normal(0, 0.3, 8_000)), 1
    )
    place = np.sort(rng.integers(0, 400, 1_500))
    role = np.minimum(rng.integers(0, 2 + size[place]), 3)
    pay = np.round(1_500 + 400 * role + 300 * wealth[region[place]] + rng.normal(0, 90, 1_500))
    judged = rng.permutation(12_000)[:2_500]
    stars = np.clip(
        np.rint(4 - channel[judged] + 0.1 * discount[judged] + rng.normal(0, 0.6, 2_500)), 1, 5
    )

    def labels(prefix: str, codes: np.ndarray) -> list[str]:
        return [f"{prefix} {code}" for code in codes.tolist()]

    return {
        "regions": pa.table({"region_id": np.arange(40) + 1, "climate": labels("climate", climate),
                             "wealth": np.round(wealth, 2)}),
        "stores": pa.table({"store_id": np.arange(400) + 100, "region_id": region + 1,
                            "size": labels("size", size), "rent": rent}),
        "suppliers": pa.table({"supplier_id": np.arange(120) + 1, "zone": labels("zone", country),
                               "quality": np.round(quality, 2)}),
        "products": pa.table({"product_id": np.arange(600) + 1, "supplier_id": supplier + 1,
                              "category": labels("kind", category), "price": price}),
        "customers": pa.table({"customer_id": np.arange(4_000) + 1, "store_id": home + 100,
                               "age": age, "segment": labels("segment", segment)}),
        "orders": pa.table({"order_id": np.arange(12_000) + 1, "customer_id": owner + 1,
                            "placed": pa.array(placed, pa.timestamp("us")),
                            "channel": labels("channel", channel), "discount": discount}),
        "lines": pa.table({"line_id": np.arange(30_000) + 1, "order_id": order + 1,
                           "product_id": product + 1, "quantity": quantity,
                           "returned": labels("returned", returned.astype(int))}),
        "visits": pa.table({"visit_id": np.arange(8_000) + 1, "customer_id": guest + 1,
                            "store_id": branch + 100, "minutes": minutes}),
        "staff": pa.table({"staff_id": np.arange(1_500) + 1, "store_id": place + 100,
                           "role": labels("role", role), "pay": pay}),
        "reviews": pa.table({"review_id": np.arange(2_500) + 1, "order_id": judged + 1,
                             "stars": stars.astype(int)}),
    }  # fmt: skip


def clinic(seed: int = 0) -> Tables:
    """Four tables: who treats whom depends on both, and what is measured on both and on time."""
    rng = np.random.default_rng(seed)
    field, years = rng.integers(0, 5, 60), rng.integers(1, 35, 60)
    illness, age = rng.integers(0, 5, 1_500), rng.integers(18, 90, 1_500)
    patient = np.sort(rng.choice(1_500, 9_000, p=(age + 20) / (age + 20).sum()))
    pick = rng.integers(0, 60, (9_000, 6))
    fits = rng.random((9_000, 6)) + (field[pick] == illness[patient][:, None])
    doctor = pick[np.arange(9_000), fits.argmax(axis=1)]
    urgent = rng.random(9_000) < 1 / (1 + np.exp((70 - age[patient]) / 8))
    minutes = np.rint(
        np.exp(2.5 + 0.02 * years[doctor] + 0.5 * urgent + rng.normal(0, 0.25, 9_000))
    )
    visit = np.sort(rng.integers(0, 9_000, 20_000))
    test = (illness[patient[visit]] + (rng.random(20_000) < 0.3) * rng.integers(0, 5, 20_000)) % 5
    value = np.round(
        50 + 8 * test + 0.4 * age[patient[visit]] + 6 * (field[doctor[visit]] == 2)
        + 5 * urgent[visit] + rng.normal(0, 5, 20_000), 1,
    )  # fmt: skip
    return {
        "doctors": pa.table({"doctor_id": np.arange(60) + 1, "years": years,
                             "field": [f"field {code}" for code in field.tolist()]}),
        "patients": pa.table({"patient_id": np.arange(1_500) + 1, "age": age,
                              "illness": [f"illness {code}" for code in illness.tolist()]}),
        "visits": pa.table({"visit_id": np.arange(9_000) + 1, "patient_id": patient + 1,
                            "doctor_id": doctor + 1, "minutes": minutes,
                            "urgent": np.where(urgent, "yes", "no")}),
        "measures": pa.table({"measure_id": np.arange(20_000) + 1, "visit_id": visit + 1,
                              "test": [f"test {code}" for code in test.tolist()],
                              "value": value}),
    }  # fmt: skip
