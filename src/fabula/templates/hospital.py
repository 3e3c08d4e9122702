"""A hospital: arrivals by the hour, triage, wards with beds, tests, discharge.

Who finds no bed waits; urgent patients go first, and others are sent elsewhere after a day.

Run it: `fabula simulate hospital.py --days 60 -n patients=1300 -o out/hospital`
"""

import datetime as dt

import numpy as np

import fabula as fb
from fabula.simulation import World, conserved, state, when

HOURS = [2, 2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 8, 7, 7, 6, 6, 6, 5, 5, 4, 4, 3, 3]  # arrivals
BEDS = {"medicine": 60, "surgery": 40, "cardiology": 22, "children": 18, "intensive": 10}
INTAKE = {"medicine": 42, "surgery": 27, "cardiology": 14, "children": 13, "intensive": 4}
TESTS = {"blood": 1.0, "x-ray": 3.0, "ct": 6.0, "ultrasound": 4.0, "mri": 24.0}  # hours
HOME, WAITING, IN_BED, LEFT = range(4)

hospital = World("hospital", start="2026-01-01", step="1h", steps=60 * 24, seed=1)
days = int(hospital.parameter("days", 60))
hospital.steps = days * 24


def by_ward(numbers):
    """A column that has a number for each ward."""
    cases = " ".join(f"WHEN '{ward}' THEN {number}" for ward, number in numbers.items())
    return fb.col.expr(f"CASE name {cases} END")


wards = hospital.population(
    "wards",
    n=len(BEDS),
    name=fb.col.choice([*BEDS], unique=True),
    intake=by_ward(INTAKE),
    beds=conserved(by_ward(BEDS)),
)
patients = hospital.population(
    "patients",
    n=1250,
    age=fb.col.mixture(
        [(3, fb.col.normal(68, 14)), (2, fb.col.normal(35, 18))], min=0, max=104, decimals=0
    ),
    sex=fb.col.choice({"female": 52, "male": 48}),
    triage=fb.col.choice({1: 8, 2: 32, 3: 60}),  # 1 is the most urgent
    ward=fb.col.reference("wards", weights="intake"),
    day=fb.col.uniform(0, days - 1, decimals=0),
    hour=fb.col.choice(dict(enumerate(HOURS))),
    stay=fb.col.lognormal(3.9, 0.75, min=0.2, max=90),  # days
    status=state(HOME),
    leaves=state(-1),
)
admissions = hospital.event("admissions", patient=patients, ward=wards, at=when, waited=int)
tests = hospital.event("tests", patient=patients, kind=str, at=dt.datetime, reported=dt.datetime)
discharges = hospital.event("discharges", patient=patients, at=when, outcome=str)
transfers = hospital.event("transfers", patient=patients, at=when)


@hospital.every("1h", patients)
def arrive(a, now):
    """Patients come at their hour; who is not urgent is sent elsewhere after a day."""
    came = a.day * 24 + a.hour
    a[came == now.step].status = WAITING
    sent = a[(a.status == WAITING) & (a.triage == 3) & (now.step - came >= 24)]
    sent.status = LEFT
    transfers.add(patient=sent)


@hospital.every("1h", patients)
def admit(a, now, draw):
    """Beds go to the most urgent first; among equals, to whoever comes first this hour."""
    for triage in (1, 2, 3):
        asks = a[(a.status == WAITING) & (a.triage == triage)]
        longer = asks.stay * np.where(asks.age > 75, 1.4, 1.0) * (1.6 - 0.2 * triage)
        hours = np.maximum(1, np.rint(longer * 24)).astype(int)
        got = wards.at(asks.ward).serve("beds", by=asks, steps=hours)
        new = asks[got]
        new.status, new.leaves = IN_BED, now.step + hours[got]
        waited = now.step - (new.day * 24 + new.hour)
        admissions.add(patient=new, ward=wards.at(new.ward), waited=waited)
        order(new, now, draw)


def order(a, now, draw):
    """Tests within the first hours; their reports take as long as their kind does."""
    count = draw.poisson(a, 1.2 + 0.8 * (a.triage < 3))
    for place in range(4):
        some = a[count > place]
        kind = draw.choice(some, [45, 22, 12, 15, 6])
        asked = (now.step + draw.uniform(some, 0, 6)) * 3600
        takes = np.array([*TESTS.values()])[kind] * np.exp(draw.normal(some, 0, 0.5))
        names = np.array([*TESTS], dtype=object)[kind]
        tests.add(patient=some, kind=names, at=asked, reported=asked + takes * 3600)


@hospital.every("1h", patients)
def discharge(a, now, draw):
    """Patients leave when their stay ends; the old and the urgent die more often."""
    ready = a[(a.status == IN_BED) & (a.leaves == now.step)]
    risk = np.minimum(
        0.6, 0.004 * np.exp(ready.age / 40) * np.array([0, 5, 1.5, 0.6])[ready.triage]
    )
    outcome = np.where(draw.chance(ready, risk), "died", "home").astype(object)
    outcome[(outcome == "home") & draw.chance(ready, np.where(ready.age > 75, 0.25, 0.03))] = "care"
    ready.status = LEFT
    discharges.add(patient=ready, outcome=outcome)


@hospital.law
def a_bed_for_each_patient():
    """As many patients are in beds as beds are lent."""
    return int((patients.status == IN_BED).sum()), wards.account_of("beds").lent
