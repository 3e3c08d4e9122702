"""An epidemic: people meet at home and elsewhere, are infected, fall ill, and recover.

Each day a person with the infection meets others; who is susceptible may catch it. Days from
infection to recovery are drawn for each case, and every case knows whom it was caught from.

Run it: `fabula simulate epidemic.py --days 150 -n people=5000 -o out/epidemic`
"""

import numpy as np

import fabula as fb
from fabula.simulation import World, state, when

SUSCEPTIBLE, EXPOSED, INFECTIOUS, RECOVERED = range(4)
LATENT, ILL = 3.0, 6.0  # mean days

town = World("epidemic", start="2026-01-01", step="1d", steps=150, seed=1)
r0 = town.parameter("r0", 2.5)  # cases that one case causes among susceptible people
at_home = town.parameter("at_home", 0.3)  # share of the contacts that are at home
seeds = int(town.parameter("seeds", 10))  # infected on the first day
vaccinated = town.parameter("vaccinated", 0.0)  # share of the people

households = town.population(
    "households", n=2200, district=fb.col.choice(["north", "east", "west"])
)
people = town.population(
    "people",
    n=5000,
    household=fb.col.reference("households"),
    age=fb.col.mixture([(1, fb.col.uniform(0, 18)), (3, fb.col.uniform(18, 90))], decimals=0),
    immune=fb.col.bernoulli(vaccinated),
    status=state(SUSCEPTIBLE),
    until=state(-1),
)
infections = town.event("infections", person=people, source=people, place=str, at=when)
recoveries = town.event("recoveries", person=people, at=when)
counts = town.event("counts", at=when, susceptible=int, exposed=int, infectious=int, recovered=int)


def expose(a, now, draw):
    """People catch it, and become infectious after the latent time."""
    a.status, a.until = EXPOSED, now.step + 1 + draw.poisson(a, LATENT - 1)


@town.every("1d", people)
def begin(a, now, draw):
    """On the first day the vaccinated are immune, and a few people bring the infection."""
    if now.step == 0:
        a[a.immune].status = RECOVERED
        first = np.argsort(draw.uniform(a) + (a.status == RECOVERED), kind="stable")[:seeds]
        expose(people.at(first), now, draw)


@town.every("1d", people)
def develop(a, now, draw):
    """Who is exposed becomes infectious, and who was ill recovers."""
    well = a[(a.status == INFECTIOUS) & (a.until <= now.step)]
    well.status = RECOVERED
    recoveries.add(person=well)
    ill = a[(a.status == EXPOSED) & (a.until <= now.step)]
    ill.status, ill.until = INFECTIOUS, now.step + 1 + draw.poisson(ill, ILL - 1)


@town.every("1d", people)
def meet(a, now, draw):
    """The infectious meet people; the first who infects somebody today is the source."""
    ill = a[a.status == INFECTIOUS]
    order = np.argsort(a.household, kind="stable")
    ends = np.searchsorted(a.household[order], np.arange(len(households) + 1))
    caught = []
    for home in (True, False):
        share = at_home if home else 1 - at_home
        met = draw.poisson(ill, r0 / ILL * share)
        for nth in range(int(met.max(initial=0))):
            who = ill[met > nth]
            low, high = ends[who.household], ends[who.household + 1]
            mate = order[low + (draw.uniform(who) * (high - low)).astype(int)]
            other = mate if home else draw.whole(who, 0, len(a) - 1)
            caught.append((other, who.rows, np.full(len(who), "home" if home else "out", object)))
    if not caught:
        return
    other, source, place = map(np.concatenate, zip(*caught, strict=True))
    open_to = np.flatnonzero(a.status[other] == SUSCEPTIBLE)
    _, first = np.unique(other[open_to], return_index=True)
    new = open_to[first]
    infections.add(person=people.at(other[new]), source=people.at(source[new]), place=place[new])
    expose(people.at(other[new]), now, draw)


@town.every("1d")
def count():
    """How many are in which state today."""
    number = np.bincount(people.status, minlength=4)
    counts.add(
        **dict(zip(("susceptible", "exposed", "infectious", "recovered"), number, strict=True))
    )
