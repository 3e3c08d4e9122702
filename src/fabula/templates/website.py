"""A web shop's sessions: visitors come back, click from page to page, and some of them buy.

Visitors see one of two checkouts, so that the orders are those of an A/B test with a known effect.

Run it: `fabula simulate website.py --days 30 -n visitors=2000 -o out/website`
"""

import datetime as dt

import numpy as np

import fabula as fb
from fabula.simulation import World, money, state

HOURS = [3, 2, 1, 1, 1, 2, 3, 5, 6, 7, 8, 8, 8, 7, 7, 7, 7, 8, 9, 11, 12, 11, 8, 5]
WEEK = [1.05, 1.0, 1.0, 0.95, 0.9, 0.95, 1.15]
PAGES = ("home", "category", "product", "search", "cart", "checkout", "thanks")
LEAVES = len(PAGES)
CLICKS = np.array([  # from page (row) to page, or out
    # home  cat  prod  search cart checkout thanks leaves
    [0.00, 0.34, 0.14, 0.14, 0.00, 0.00, 0.00, 0.38],
    [0.04, 0.18, 0.44, 0.06, 0.00, 0.00, 0.00, 0.28],
    [0.03, 0.18, 0.22, 0.06, 0.13, 0.00, 0.00, 0.38],
    [0.02, 0.10, 0.46, 0.16, 0.00, 0.00, 0.00, 0.26],
    [0.02, 0.08, 0.14, 0.02, 0.00, 0.42, 0.00, 0.32],
    [0.00, 0.02, 0.02, 0.00, 0.08, 0.00, 0.55, 0.33],
    [0.10, 0.04, 0.04, 0.02, 0.00, 0.00, 0.00, 0.80],
])  # fmt: skip
LANDING = {"search": [0.15, 0.3, 0.5, 0.05], "direct": [0.8, 0.1, 0.1, 0.0],
           "mail": [0.2, 0.3, 0.5, 0.0], "social": [0.3, 0.2, 0.5, 0.0]}  # fmt: skip
MOST_PAGES = 60

site = World("website", start="2026-01-05", step="1d", steps=30, seed=1)
effect = site.parameter("effect", 1.15)  # of checkout B on the chance to finish

visitors = site.population(
    "visitors",
    n=2000,
    device=fb.col.choice({"phone": 62, "desktop": 33, "tablet": 5}),
    country=fb.col.choice({"DE": 60, "AT": 15, "CH": 15, "other": 10}),
    checkout=fb.col.choice(["A", "B"]),
    rate=fb.col.gamma(0.5, 0.16, max=2),  # sessions a day
    keen=fb.col.lognormal(1, 0.4, max=3),
    orders=state(0),
)
sessions = site.event(
    "sessions", visitor=visitors, source=str, started=dt.datetime, pages=int, seconds=int
)
views = site.event("page_views", session=sessions, page=str, at=dt.datetime, nth=int)
orders = site.event("orders", session=sessions, visitor=visitors, total=money(0), at=dt.datetime)


@site.every("1d", visitors)
def browse(a, now, draw):
    """Who comes today lands on a page by the source, and clicks until they leave."""
    a = a[draw.chance(a, np.minimum(1, a.rate * now.weekly(WEEK)))]
    source = np.where(a.orders > 0, draw.choice(a, [3, 4, 3, 1]), draw.choice(a, [6, 2, 1, 2]))
    landing = np.array([*LANDING.values()])[source]
    page = draw.choice(a, landing)
    start = now.step * 86_400 + (draw.choice(a, HOURS) + draw.uniform(a)) * 3600
    at, active = start.copy(), np.ones(len(a), bool)
    seen, count, bought = [], np.zeros(len(a), int), np.zeros(len(a), bool)
    for nth in range(MOST_PAGES):
        here = np.flatnonzero(active)
        seen.append((here, page[here], at[here], np.full(len(here), nth + 1)))
        count[here] += 1
        bought |= active & (page == PAGES.index("thanks"))
        stay = np.exp(draw.normal(a, 3.2, 1.0)) + 1
        at = at + np.where(active, stay, 0)
        chance = CLICKS[np.minimum(page, LEAVES - 1)].copy()
        chance[:, 4:7] *= (a.keen * np.where(a.device == "phone", 0.7, 1.2))[:, None]
        chance[:, 6] *= np.where(a.checkout == "B", effect, 1.0)
        page = np.where(active, draw.choice(a, chance), page)
        active &= page != LEAVES
    names = np.array([*LANDING], dtype=object)[source]
    made = sessions.add(visitor=a, source=names, started=start, pages=count,
                        seconds=np.rint(at - start).astype(int))  # fmt: skip
    who, what, when, nth = map(np.concatenate, zip(*seen, strict=True))
    order = np.lexsort((nth, who))
    views.add(session=made[who[order]], page=np.array(PAGES, dtype=object)[what[order]],
              at=when[order], nth=nth[order])  # fmt: skip
    total = np.rint(100 * np.exp(draw.normal(a, 3.9, 0.7))).astype(int)[bought]
    orders.add(session=made[bought], visitor=a[bought], total=total, at=at[bought])
    a[bought].orders = a[bought].orders + 1


@site.law
def who_bought_has_an_order():
    """Visitors count their orders."""
    return int(visitors.orders.sum()), orders.count
