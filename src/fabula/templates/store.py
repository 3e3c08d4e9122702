"""A retail store: shoppers with tastes, habits and budgets, products with stock, deliveries.

Run it: `fabula simulate store.py --days 30 -n customers=200 -o out/store`
"""

import numpy as np

import fabula as fb
from fabula.simulation import World, conserved, money, state, when

CATEGORIES = 8
MOST_LINES = 5
WEEK = [0.8, 0.8, 0.9, 1.0, 1.3, 1.6, 0.6]  # Monday to Sunday

store = World("store", start="2026-01-01", step="1d", steps=30, seed=1)

median_budget = store.parameter("budget", 260)
level = int(store.parameter("level", 8))

products = store.population(
    "products",
    n=200,
    category=fb.col.uniform(0, CATEGORIES - 1, decimals=0),
    price=money(fb.col.lognormal(12, 0.7, min=0.5, decimals=2)),
    popularity=fb.col.pareto(1.5, 1, max=50),
    stock=conserved(fb.col.poisson(level)),
)
customers = store.population(
    "customers",
    n=200,
    budget=conserved(money(fb.col.lognormal(median_budget, 0.6, min=0, decimals=2))),
    visit_rate=fb.col.beta(2, 6),
    taste=fb.col.uniform(0, CATEGORIES - 1, decimals=0),
    habit=fb.col.beta(2, 3),
    last=state(products),
)

orders = store.event("orders", customer=customers, at=when, lines=int, total=money(0))
lines = store.event("order_lines", order=orders, product=products, quantity=int, price=money(0))
stockouts = store.event("stockouts", customer=customers, product=products, at=when)
deliveries = store.event("deliveries", product=products, quantity=int, at=when)


@store.every("1d", customers)
def shop(a, now, draw):
    """Some customers come; each wants a few products, old favourites or new ones of a taste."""
    come = a[draw.chance(a, np.minimum(1, a.visit_rate * now.weekly(WEEK)))]
    wanted = 1 + draw.poisson(come, 1.2)
    baskets, misses = [], []
    for line in range(MOST_LINES):
        asks = np.flatnonzero(wanted > line)
        buyer = come[asks]
        new = draw.member(
            buyer, products, weights=products.popularity, group=buyer.taste, by=products.category
        )
        repeat = draw.chance(buyer, buyer.habit) & (buyer.last >= 0)
        want = products.at(np.where(repeat, buyer.last, new.rows))
        affords = buyer.budget >= want.price
        got = want.take("stock", 1, by=buyer, where=affords)
        buyer.pay("budget", want.price, where=got)
        buyer[got].last = want[got]
        missed = affords & ~got
        misses.append((asks[missed], want.rows[missed]))
        baskets.append((asks[got], want.rows[got]))
    who, what = map(np.concatenate, zip(*misses, strict=True))
    stockouts.add(customer=come[who], product=what)
    who, what = map(np.concatenate, zip(*baskets, strict=True))
    price = products.price[what]
    count = np.bincount(who, minlength=len(come))
    paid = count > 0
    total = np.bincount(who, weights=price, minlength=len(come)).astype(int)
    order = orders.add(customer=come[paid], lines=count[paid], total=total[paid])
    place = np.cumsum(paid) - 1
    lines.add(order=order[place[who]], product=what, quantity=1, price=price)


@store.every("2d")
def reorder():
    """Products that run low are ordered up to their level, and come two days later."""
    low = products.where(products.stock < level // 2)
    low.arrive("stock", level - low.stock, after="2d", into=deliveries)


@store.law
def money_is_kept():
    """What left the budgets is what the lines cost, to the cent."""
    return customers.taken("budget") == lines.sum("price") == orders.sum("total")


@store.law
def units_are_kept():
    """What left the shelves is what was sold, and orders count their lines."""
    return products.taken("stock") == lines.sum("quantity") == orders.sum("lines")
