"""The ready model `store` as a rule of one agent, which numba compiles."""

import numpy as np

import fabula as fb
from fabula.simulation import World, conserved, money, state, when

CATEGORIES, MOST_LINES = 8, 5
WEEK = np.array([0.8, 0.8, 0.9, 1.0, 1.3, 1.6, 0.6])

store = World("store", start="2026-01-01", step="1d", steps=30, seed=1)
level = int(store.parameter("level", 40))
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
    budget=conserved(money(fb.col.lognormal(260, 0.6, min=0, decimals=2))),
    visit_rate=fb.col.beta(2, 6),
    taste=fb.col.uniform(0, CATEGORIES - 1, decimals=0),
    habit=fb.col.beta(2, 3),
    last=state(products),
)
orders = store.event("orders", customer=customers, at=when)
lines = store.event(
    "order_lines", order=orders, product=products, quantity=int, price=money(0), at=when
)
stockouts = store.event("stockouts", customer=customers, product=products, at=when)
deliveries = store.event("deliveries", product=products, quantity=int, at=when)


def comes(me, world, draw):
    """Whether a customer comes today."""
    return draw.uniform() < me.visit_rate * world.given.week[world.weekday]


def shelves():
    """Products by category, with their cumulative popularity."""
    order = np.argsort(products.category, kind="stable")
    ends = np.searchsorted(products.category[order], np.arange(CATEGORIES + 1))
    return {
        "order": order,
        "ends": ends,
        "sums": np.cumsum(products.popularity[order]),
        "week": WEEK,
    }


@store.rule(customers, "1d", awake=comes, prepare=shelves, compiled=True)
def shop(me, world, draw, out):
    """A customer buys a few products, old favourites or new ones of a taste."""
    order = -1
    for _ in range(min(MOST_LINES, 1 + draw.poisson(1.2))):
        if me.last >= 0 and draw.uniform() < me.habit:
            product = me.last
        else:
            ends = world.given.ends
            place = draw.pick(world.given.sums, ends[int(me.taste)], ends[int(me.taste) + 1])
            product = world.given.order[place]
        price = world.products.price[product]
        if world.customers.budget.left(me.row) < price:
            continue
        if not world.products.stock.take(product, 1):
            out.stockouts.add(me.row, product)
            continue
        world.customers.budget.take(me.row, price)
        if order < 0:
            order = out.orders.add(me.row)
        me.last = product
        out.order_lines.add(order, product, 1, price)


@store.every("2d")
def reorder():
    """Products that run low are ordered up to their level, and come two days later."""
    low = products.where(products.stock < level // 2)
    low.arrive("stock", level - low.stock, after="2d", into=deliveries)
