"""A support desk: tickets by the hour, first and second line, priorities, reopened tickets.

Each ticket waits for a free agent of its line at its own time; the urgent ones go first.

Run it: `fabula simulate support.py -n tickets=5000 -o out/support`
"""

import datetime as dt

import numpy as np

import fabula as fb
from fabula.simulation import World, money, visits

HOURS = [2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 10, 8, 9, 10, 9, 8, 7, 5, 4, 4, 3, 3, 2]
TOPICS = {"password": 30, "billing": 25, "delivery": 20, "bug": 15, "contract": 10}
MINUTES = {"password": 6, "billing": 12, "delivery": 10, "bug": 25, "contract": 18}
HARD = {"password": 0.03, "billing": 0.15, "delivery": 0.1, "bug": 0.6, "contract": 0.3}
LINES = ("first", "second")
DAY = 86_400

desk = World("support", start="2026-01-05", step="1d", steps=28, seed=1)
days = int(desk.parameter("days", 28))
desk.steps = days
staff = {"first": int(desk.parameter("first", 3)), "second": int(desk.parameter("second", 2))}

customers = desk.population(
    "customers", n=800, plan=fb.col.choice({"free": 6, "plus": 3, "pro": 1}),
    fee=money(fb.col.expr("CASE plan WHEN 'free' THEN 0 WHEN 'plus' THEN 9 ELSE 29 END")),
)  # fmt: skip
tickets = desk.population(
    "tickets",
    n=5000,
    customer=fb.col.reference("customers", skew=0.6),
    topic=fb.col.choice(TOPICS),
    channel=fb.col.choice({"mail": 5, "chat": 3, "phone": 2}),
    day=fb.col.uniform(0, days - 1, decimals=0),
    hour=fb.col.choice(dict(enumerate(HOURS))),
)
handled = desk.event(
    "handled", ticket=tickets, line=str, agent=int, reopened=bool,
    arrived=dt.datetime, started=dt.datetime, ended=dt.datetime,
)  # fmt: skip
ratings = desk.event("ratings", ticket=tickets, stars=int, at=dt.datetime)


@desk.every(days, tickets)
def work(a, draw):
    """All tickets pass the desk: first line, second line if it is hard, and again."""
    came = a.day * DAY + (a.hour + draw.uniform(a)) * 3600
    hard = draw.chance(a, look_up(HARD, a.topic))
    again = draw.chance(a, 0.04 + 0.08 * hard)
    minutes = look_up(MINUTES, a.topic)[:, None] * np.array([1.0, 2.5, 0.8])
    noise = np.column_stack([np.exp(draw.normal(a, 0, 0.6)) for _ in range(3)])
    # The second line follows for hard tickets; a reopened one comes to the line that had it last.
    last = np.where(again, hard.astype(int), -1)
    route = np.column_stack(
        [np.zeros(len(a), int), np.where(hard, 1, last), np.where(hard, last, -1)]
    )
    is_repeat = np.column_stack([np.zeros(len(a), bool), ~hard & again, hard & again])
    effort = np.where(is_repeat, 2, np.maximum(route, 0))
    service = np.take_along_axis(minutes * noise, effort, axis=1) * 60
    pro = customers.plan[a.customer] == "pro"
    made = visits(came, staff, service=service, route=route, priority=np.where(pro, 0, 1))
    nth = np.zeros(len(made), int)
    order = np.lexsort((made.arrived, made.entity))
    who = made.entity[order]
    nth[order] = np.arange(len(made)) - np.searchsorted(who, who)
    line = np.array(LINES, dtype=object)[made.station]
    handled.add(ticket=a[made.entity], line=line, agent=made.server + 100 * made.station,
                reopened=is_repeat[made.entity, nth],
                arrived=made.arrived, started=made.started, ended=made.left)  # fmt: skip
    rate(a, made, draw)


def rate(a, made, draw):
    """A fifth of the customers rate; long waits and hard tickets cost stars."""
    waited, done = np.zeros(len(a)), np.zeros(len(a))
    np.add.at(waited, made.entity, made.waited)
    np.maximum.at(done, made.entity, made.left)
    stars = np.rint(4.6 - np.log1p(waited / 600) + draw.normal(a, 0, 0.7))
    some = draw.chance(a, 0.2)
    ratings.add(ticket=a[some], stars=np.clip(stars, 1, 5).astype(int)[some], at=done[some] + 3600)


def look_up(table, names):
    """The number of each name."""
    return np.array([table[name] for name in names], dtype=float)
