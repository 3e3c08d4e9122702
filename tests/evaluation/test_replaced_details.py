"""Personal details that a synthesizer replaces are not held against its rows."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from faker import Faker

import fabula as fb

PEOPLE, ORDERS = 60, 900
REPLACED = ("c1", "c2", "c3", "c4", "c5")


def orders(seed: int) -> pa.Table:
    """Orders of sixty people: names, streets, towns, phones as text and as whole numbers."""
    fake, rng = Faker("en_US"), random.Random(seed)
    fake.seed_instance(seed)
    people = [
        {
            "c1": f"{fake.first_name()} {fake.last_name()}",
            "c2": fake.street_address(),
            "c3": fake.city(),
            "c4": f"+1 {rng.randrange(200, 999)} {rng.randrange(10**6, 10**7)}",
            "c5": int(f"49151{rng.randrange(10**8):08}"),
        }
        for _ in range(PEOPLE)
    ]
    return pa.Table.from_pylist(
        [{**rng.choice(people), "c6": rng.randrange(900), "c7": rng.choice("abc")}
         for _ in range(ORDERS)]
    )  # fmt: skip


REAL = orders(1)
QUALITY = ["quality.shapes", "quality.pairs", "quality.detection", "quality.recall"]


@pytest.fixture(scope="module")
def model():
    """The orders, learned."""
    return fb.fit(REAL, seed=1, rounds=10)


def test_new_people_with_several_rows_pass_the_gates_of_quality(model):
    report = fb.evaluate(
        model.sample(ORDERS, seed=2), real=REAL, holdout=model.holdout, gates=QUALITY
    )
    assert report.passed
    for name in REPLACED:
        assert f"`{name}` holds" in report.report()


def test_the_trial_of_the_fit_does_not_miss_gates_because_people_are_new(model):
    assert "quality.shapes" not in str(model.card())
    assert "quality.recall" not in str(model.card())


def test_copies_of_real_people_are_compared_and_named(model):
    report = fb.evaluate(
        REAL, real=REAL, holdout=model.holdout,
        gates=["privacy.exact_copies", "privacy.sensitive_values"],
    )  # fmt: skip
    assert [gate.passed for gate in report.gates] == [False, False]
    assert "`c1` holds" not in report.report()


def test_labels_that_are_no_people_do_not_stand_for_people(model):
    made = model.sample(ORDERS, seed=2)
    labels = pa.array([f"number {at % 60}" for at in range(ORDERS)])
    report = fb.evaluate(made.set_column(0, "c1", labels), real=REAL, gates=["quality.shapes"])
    assert report.passed is False
