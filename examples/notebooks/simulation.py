# %% [markdown]
# # Simulate a population
# Shoppers with budgets meet shelves that run empty. Every event is a row with keys, and laws hold
# at
# each step: no unit is sold twice, no cent is lost.

# %%
import numpy as np

import fabula as fb
from fabula.simulation import World, conserved, money, when

world = World("kiosk", start="2026-01-01", step="1d", steps=30, seed=1)
products = world.population(
    "products", n=20, price=money(fb.col.uniform(1, 9)), stock=conserved(fb.col.poisson(30))
)
customers = world.population(
    "customers", n=300, budget=conserved(money(fb.col.lognormal(40, 0.5, decimals=2)))
)
sales = world.event("sales", customer=customers, product=products, at=when, paid=money(0))


@world.every("1d", customers)
def shop(a, now, draw):
    """One customer in five comes and wants one product."""
    come = a[draw.chance(a, np.full(len(a), 0.2))]
    want = draw.member(come, products)
    got = want.take("stock", 1, by=come, where=come.budget >= want.price)
    come.pay("budget", want.price, where=got)
    sales.add(customer=come[got], product=want[got], paid=want.price[got])


@world.law
def money_is_kept():
    return customers.taken("budget") == sales.sum("paid")


run = fb.simulate(world)
run

# %%
sold = run["sales"].to_pandas()
sold.groupby(sold["at"].dt.date)["paid"].sum().astype(float).describe()

# %%
left = run["products"].to_pandas()
assert left["stock_end"].min() >= 0
left.head()
