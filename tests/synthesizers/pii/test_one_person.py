"""One real person becomes one new person, in all columns and tables that tell of them."""

from __future__ import annotations

import random
import uuid
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from faker import Faker

import fabula as fb

PATIENTS, VISITS, RESULTS, DOCTORS = 120, 400, 700, 12
BORN = date(1931, 1, 1), date(2024, 12, 31)


def unlike(make, count: int) -> list:
    """That many different values."""
    found: dict = {}
    while len(found) < count:
        found[make()] = None
    return list(found)


@pytest.fixture(scope="module")
def clinic():
    """Patients, their visits and results; names and numbers recur under other column names."""
    fake, rng = Faker("en_US"), np.random.default_rng(3)
    fake.seed_instance(3)
    draw = random.Random(3)

    def ids(count):
        return pa.array([str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(count)])

    def of_names():
        return f"{fake.first_name()} {fake.last_name()}"

    patients = pa.table(
        {
            "patient_id": ids(PATIENTS),
            "c1": unlike(of_names, PATIENTS),
            "dob": [fake.date_between_dates(*BORN) for _ in range(PATIENTS)],
            "c2": unlike(fake.ssn, PATIENTS),
            "c3": unlike(fake.phone_number, PATIENTS),
            "c4": unlike(fake.street_address, PATIENTS),
        }
    )
    who = pa.array(rng.integers(0, PATIENTS, VISITS))
    doctors = pa.array(unlike(lambda: f"Dr. {of_names()}", DOCTORS))
    visits = pa.table(
        {
            "visit_id": ids(VISITS),
            "pid": patients["patient_id"].take(who),
            "person": patients["c1"].take(who),
            "insured_as": patients["c2"].take(who),
            "seen_by": doctors.take(pa.array(rng.integers(0, DOCTORS, VISITS))),
            "fee": rng.lognormal(3, 1, VISITS).round(2),
        }
    )
    visit = pa.array(rng.integers(0, VISITS, RESULTS))
    results = pa.table(
        {
            "result_id": ids(RESULTS),
            "visit": visits["visit_id"].take(visit),
            "subject": visits["person"].take(visit),
            "ordered_by": visits["seen_by"].take(visit),
            "level": rng.normal(5, 1, RESULTS).round(2),
        }
    )
    return {"patients": patients, "visits": visits, "results": results}


@pytest.fixture(scope="module")
def model(clinic):
    """The clinic, learned."""
    return fb.fit(clinic, rounds=5)


@pytest.mark.slow
def test_no_real_identifier_is_in_any_table_of_a_clinic(clinic, model):
    ordinary = ("dob", "fee", "level")
    real = set()
    for table in clinic.values():
        for name in set(table.column_names) - set(ordinary):
            real |= set(table[name].to_pylist())
    for table in model.sample(seed=1).values():
        for name in set(table.column_names) - set(ordinary):
            assert real.isdisjoint(table[name].to_pylist()), name


def test_names_and_numbers_of_children_are_those_of_their_new_parent(model):
    made = model.sample(seed=2)
    visits = made["visits"].join(made["patients"], "pid", "patient_id")
    assert visits["person"].equals(visits["c1"])
    assert visits["insured_as"].equals(visits["c2"])
    results = made["results"].join(made["visits"], "visit", "visit_id")
    assert results["subject"].equals(results["person"])
    assert results["ordered_by"].equals(results["seen_by"])
    assert pc.count_distinct(made["visits"]["seen_by"]).as_py() == DOCTORS
    assert "visits.person: the same people as patients.c1 through visits.pid" in model.card()


def test_people_stay_the_same_after_saving(model, tmp_path):
    model.save(tmp_path / "clinic")
    again = fb.load_synthesizer(tmp_path / "clinic")
    for name, table in model.sample(seed=3).items():
        assert again.sample(seed=3)[name].equals(table)


def test_a_column_that_mostly_repeats_its_parent_does_so_in_as_many_rows(clinic):
    visits, rng = clinic["visits"], np.random.default_rng(4)
    other = clinic["patients"]["c1"].take(pa.array(rng.integers(0, PATIENTS, VISITS)))
    mixed = pc.if_else(pa.array(rng.random(VISITS) < 0.2), other, visits["person"])
    visits = visits.set_column(2, "person", mixed)
    model = fb.fit({"patients": clinic["patients"], "visits": visits}, rounds=5)
    made = model.sample(seed=5)
    joined = made["visits"].join(made["patients"], "pid", "patient_id")
    same = pc.mean(pc.equal(joined["person"], joined["c1"]).cast(pa.int8())).as_py()
    assert same == pytest.approx(0.8, abs=5 * np.sqrt(2 * 0.8 * 0.2 / VISITS))
    assert set(made["visits"]["person"].to_pylist()) <= set(made["patients"]["c1"].to_pylist())


def test_people_of_tables_without_a_key_between_them_are_the_same_people(clinic):
    names = clinic["patients"].select(["c1", "c3"])
    rng = np.random.default_rng(6)
    calls = pa.table(
        {
            "caller": names["c1"].take(pa.array(rng.integers(0, PATIENTS, VISITS))),
            "minutes": rng.integers(1, 60, VISITS),
        }
    )
    made = fb.fit({"people": names, "calls": calls}, rounds=5).sample(seed=1)
    assert set(made["calls"]["caller"].to_pylist()) <= set(made["people"]["c1"].to_pylist())
    assert set(names["c1"].to_pylist()).isdisjoint(made["people"]["c1"].to_pylist())


def test_tables_that_are_kept_stay_as_they_are(clinic):
    names = clinic["patients"].select(["c1", "c3"])
    copy = pa.table({"caller": names["c1"], "minutes": np.arange(PATIENTS) % 7})
    made = fb.fit({"people": names, "calls": copy}, keep=["people"], rounds=5).sample(seed=1)
    assert made["people"].equals(names)
    assert set(names["c1"].to_pylist()).isdisjoint(made["calls"]["caller"].to_pylist())
