"""Payments between accounts, with fraud: scams, takeovers and rings of mules that pass money on.

Each scheme makes exactly five payments, so their number is known: five times `schemes`. Victims and
mules live on as before, fraudulent amounts follow the payer's habits, and honest people pass money
on, too. What is fraud stands in `frauds` and `schemes` alone.

Run it: `fabula simulate payments.py -n accounts=2000 -o out/payments`
"""

import datetime as dt

import numpy as np

import fabula as fb
from fabula.simulation import World, conserved, money, state

HOURS = [1, 0.5, 0.5, 0.5, 0.5, 1, 3, 5, 7, 8, 9, 9, 10, 9, 8, 9, 9, 10, 11, 9, 7, 5, 3, 2]
WEEK = [0.9, 0.9, 0.95, 1.0, 1.25, 1.2, 0.8]  # Monday to Sunday
ROLES = ("victim", "victim_2", "victim_3", "mule", "mule_2", "mule_3", "exit")
SCHEMES = {  # who pays whom (places in ROLES), hours later, % of the balance or of what came
    "scam": [(0, 3, 0, 35), (0, 3, 30, 40), (3, 4, 6, 45), (3, 5, 9, 45), (4, 6, 30, 40)],
    "takeover": [(0, 3, 0, 40), (0, 4, 2, 40), (0, 5, 3, 40), (3, 6, 12, 90), (4, 6, 20, 90)],
    "fan_in": [(0, 3, 0, 35), (1, 3, 25, 35), (2, 3, 25, 35), (3, 4, 8, 90), (4, 6, 20, 85)],
    "chain": [(0, 3, 0, 45), (3, 4, 5, 90), (4, 5, 5, 80), (5, 6, 20, 75), (0, 3, 40, 40)],
}
LEGS = np.array([*SCHEMES.values()])  # shape (kinds, legs, 4)

bank = World("payments", start="2026-01-01", step="1h", steps=60 * 24, seed=1)
days = int(bank.parameter("days", 60))
bank.steps = days * 24

accounts = bank.population(
    "accounts",
    n=2000,
    business=fb.col.bernoulli(0.08),
    opened=fb.col.datetime("2010-01-01", "2025-12-15", date=True),
    income=money(fb.col.lognormal(2600, 0.45, min=600, decimals=2)),
    spend=money(fb.col.lognormal(28, 0.5, min=2)),
    rate=fb.col.gamma(2.0, 0.6, max=8),
    balance=conserved(money(fb.col.lognormal(2400, 0.9, min=20, decimals=2))),
    owes=state(0),  # cents that are passed on
    owes_at=state(-1),  # in this step
)
schemes = bank.population(
    "schemes",
    n=160,
    typology=fb.col.choice([*SCHEMES]),
    start=fb.col.uniform(24, max(25, (days - 10) * 24), decimals=0),
    **dict.fromkeys(("leg", "due", "got"), state(0)),
    **dict.fromkeys(ROLES, state(accounts)),
)
amounts = dict.fromkeys(("amount", "balance_before", "balance_after"), money(0))
parties = {"payer": accounts, "payee": accounts}
payments = bank.event("payments", **parties, at=dt.datetime, channel=str, **amounts)
frauds = bank.event("frauds", payment=payments, scheme=schemes, leg=int)
salaries = bank.event("salaries", account=accounts, amount=money(0), at=dt.datetime)


def pay(payer, payee, amount, at, channel="transfer"):
    """Pay where there is enough money; returns who paid, and the rows."""
    before = payer.balance
    able = (payer.rows != payee.rows) & (amount > 0)
    ok = payer.transfer("balance", amount, to=payee, where=able)
    given = {"payer": payer, "payee": payee, "at": at, "amount": amount}
    given |= {"channel": np.broadcast_to(channel, len(payer))}
    given |= {"balance_before": before, "balance_after": before - amount}
    added = payments.add(**{name: values[ok] for name, values in given.items()})
    return ok, added


def moment(a, now, draw):
    """A time within the hour, in seconds from the start."""
    return (now.step + draw.uniform(a)) * 3600


def cents(a, draw, median, sigma):
    """Lognormal amounts around a median."""
    return np.rint(median * np.exp(draw.normal(a, 0, sigma))).astype(int)


@bank.every("1h", accounts)
def live(a, now, draw):
    """Card payments to businesses, transfers to friends and others, and what people owe."""
    busy = a.rate / 24 * now.daily(HOURS) / 6 * now.weekly(WEEK)
    who = a[draw.chance(a, np.minimum(busy, 1)) & (a.owes_at != now.step)]
    card = draw.chance(who, 0.7)
    shop = draw.member(who, accounts, weights=accounts.business * accounts.rate + 1e-9)
    friend = (who.rows * 31 + 17 * draw.whole(who, 1, 5)) % len(accounts)
    stranger = draw.member(who, accounts, weights=1.5 - accounts.business)
    known = np.where(draw.chance(who, 0.75), friend, stranger.rows)
    payee = accounts.at(np.where(card, shop.rows, known))
    amount = cents(who, draw, who.spend * np.where(card, 1, 3), np.where(card, 0.7, 1.1))
    ok, _ = pay(who, payee, amount, moment(who, now, draw), np.where(card, "card", "transfer"))
    shares = np.flatnonzero(ok & ~card & draw.chance(who, 0.1))[::-1]
    shares = shares[np.unique(payee.rows[shares], return_index=True)[1]]  # one a payee, the last
    payee[shares].owes = (amount * draw.uniform(who, 0.4, 1)).astype(int)[shares]  # is passed on
    payee[shares].owes_at = (now.step + draw.whole(who, 1, 48))[shares]  # within two days
    owing = a[(a.owes_at == now.step) & (a.owes < a.balance)]
    pay(owing, draw.member(owing, accounts), owing.owes, moment(owing, now, draw))


@bank.every("1h", accounts)
def months(a, now, draw):
    """Salaries on the 25th and after, rent on the first days of a month."""
    paid = a[(now.time.day == 25 + a.rows % 4) & (now.hour == 6 + a.rows % 3) & ~a.business]
    paid.arrive("balance", paid.income)
    salaries.add(account=paid, amount=paid.income, at=float(now.step * 3600))
    rents = a[(now.time.day == 1 + a.rows % 5) & (now.hour == 8 + a.rows % 8) & ~a.business]
    landlord = accounts.at((rents.rows * 7 + 3) % len(accounts))
    pay(rents, landlord, (rents.income * 0.3).astype(int), moment(rents, now, draw))


@bank.every("1h", schemes)
def swindle(a, now, draw):
    """Schemes recruit when they start, and make their next payment when it is due."""
    new, worth = a[a.start == now.step], (accounts.balance > 30_000) & (accounts.balance < 250_000)
    age = (np.datetime64("2026-01-01") - accounts.opened.astype("datetime64[D]")).astype(int)
    for place, role in enumerate(ROLES):
        weights = worth if place < 3 else np.exp(-age / 900)
        setattr(
            new,
            role,
            draw.member(new, accounts, weights=weights * (1.2 - accounts.business) + 1e-9),
        )
    new.due = now.step
    a = a[(a.due == now.step) & (a.start <= now.step) & (a.leg < LEGS.shape[1])]
    kind = np.array([[*SCHEMES].index(name) for name in a.typology], dtype=int)
    members = np.column_stack([getattr(a, role) for role in ROLES])
    own, to, _, share = LEGS[kind, a.leg].T
    each = np.arange(len(a))
    payer, payee = accounts.at(members[each, own]), accounts.at(members[each, to])
    first = own < 3
    amount = cents(a, draw, np.where(first, payer.balance, a.got) * share / 100, 0.25)
    amount = np.clip(amount, 500, (payer.balance * 0.95).astype(int).clip(500))
    ok, rows = pay(payer, payee, amount, moment(a, now, draw))
    frauds.add(payment=rows, scheme=a[ok], leg=a.leg[ok])
    a[ok].got = np.where(first, amount, a.got)[ok]
    wait = LEGS[kind, np.minimum(a.leg + 1, LEGS.shape[1] - 1), 2]
    delay = 1 + np.rint(wait * draw.uniform(a, 0.5, 1.5)).astype(int)
    a.due = np.where(ok, now.step + delay, now.step + 3)  # too little money: again later
    other = draw.member(a, accounts, weights=worth + 1e-9)
    for place, role in enumerate(ROLES):  # who can't pay is replaced by somebody who can
        setattr(a[~ok & (own == place)], role, other[~ok & (own == place)])
    a[ok].leg = a.leg[ok] + 1


@bank.law
def balances_add_up():
    """Payments move money and make none: what arrived are the salaries."""
    return accounts.arrived("balance"), salaries.sum("amount")
