"""`synthesize`: chosen columns are drawn given the kept ones, by models that never saw the row."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.privacy.hybrid.learned_columns import _folds

ROWS = 1_500


def orders(rows: int = ROWS, seed: int = 2) -> pa.Table:
    """Orders whose total follows from price and quantity, and whose plan follows age."""
    rng = np.random.default_rng(seed)
    age, quantity = rng.integers(18, 80, rows), rng.integers(1, 6, rows)
    price = np.round(rng.lognormal(3, 0.5, rows), 2)
    return pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "age": pa.array(age),
            "plan": pa.array(np.where(rng.random(rows) < (age - 18) / 62, "pro", "free")),
            "price": pa.array(price),
            "quantity": pa.array(quantity),
            "total": pa.array(np.round(price * quantity, 2)),
            "coin": pa.array(np.array(["heads", "tails"])[rng.integers(0, 2, rows)]),
        }
    )


def _same(one: pa.Table, other: pa.Table, column: str) -> float:
    pairs = zip(one.column(column).to_pylist(), other.column(column).to_pylist(), strict=True)
    return sum(a == b for a, b in pairs) / one.num_rows


def test_kept_columns_stay_and_learned_ones_follow_them() -> None:
    real = orders()
    made = fb.synthesize(real, ["plan"]).table
    assert made.drop_columns(["plan"]).equals(real.drop_columns(["plan"]))
    assert made.schema == real.schema
    ages = np.array(made.column("age").to_pylist())
    pro = np.array([plan == "pro" for plan in made.column("plan").to_pylist()])
    assert pro[ages > 60].mean() - pro[ages < 35].mean() > 0.4


def test_no_row_is_drawn_by_a_model_that_saw_it() -> None:
    """A coin that follows from nothing is guessed as often as chance has it."""
    real = orders()
    same = _same(fb.synthesize(real, ["coin"]).table, real, "coin")
    assert abs(same - 0.5) < 4 * math.sqrt(0.25 / ROWS)


@pytest.mark.slow
def test_relations_hold_between_learned_and_kept_columns() -> None:
    made = fb.synthesize(orders(), ["quantity", "total"]).table
    price, quantity, total = (
        np.array(made.column(name).to_pylist()) for name in ("price", "quantity", "total")
    )
    assert np.allclose(total, np.round(price * quantity, 2))


def test_rules_of_a_spec_hold_on_the_joined_row() -> None:
    real = orders().select(["age", "plan", "coin"])
    real = real.filter(
        pa.array([not (a < 30 and p == "pro") for a, p in zip(
            real.column("age").to_pylist(), real.column("plan").to_pylist(), strict=True)])
    )  # fmt: skip
    spec = fb.infer(real).spec
    rule = {"kind": "row", "sql": "age >= 30 OR plan = 'free'"}
    ((name, table),) = spec.tables.items()
    spec = fb.DatasetSpec(tables={name: {**table.model_dump(), "checks": [rule]}})
    made = fb.synthesize(real, ["plan"], spec=spec)
    rows = made.table.to_pylist()
    assert all(row["age"] >= 30 or row["plan"] == "free" for row in rows)
    assert made.broken == {"data": 0}


def test_rows_of_a_person_are_in_one_fold() -> None:
    people = np.repeat(np.arange(100), 5)
    fold = _folds(people, 4, 0, "visits")
    assert all(len(set(fold[people == person])) == 1 for person in range(100))
    assert np.bincount(fold).min() >= 100


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    real = orders(400)
    first, again, other = (fb.synthesize(real, ["plan"], seed=s).table for s in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_children_are_drawn_given_their_parents() -> None:
    rng = np.random.default_rng(4)
    people = pa.table(
        {
            "person_id": pa.array(np.arange(300)),
            "ill": pa.array(np.where(rng.random(300) < 0.5, "yes", "no")),
        }
    )
    who = rng.integers(0, 300, ROWS)
    ill = np.array(people.column("ill").to_pylist())[who] == "yes"
    visits = pa.table(
        {
            "visit_id": pa.array(np.arange(ROWS)),
            "person_id": pa.array(who),
            "cost": pa.array(np.round(np.where(ill, 900, 100) * rng.lognormal(0, 0.2, ROWS), 2)),
        }
    )
    made = fb.synthesize({"people": people, "visits": visits}, ["visits.cost"])
    cost = np.array(made.tables["visits"].column("cost").to_pylist())
    assert np.median(cost[ill]) > 4 * np.median(cost[~ill])
    assert made.tables["people"].equals(people)
    assert made.tables["visits"].column_names == visits.column_names


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["plann"], "there is no column `plann`"),
        (list(orders(50).column_names), "none is kept"),
        (["id"], "`id` can't be learned"),
    ],
)
def test_columns_that_cannot_be_learned_are_refused(columns: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fb.synthesize(orders(300), columns)


def test_gaps_of_a_column_without_values_are_filled() -> None:
    """A frame whose asked column is all null, without a type, is taken."""
    real = orders(400).select(["age", "plan", "coin"])
    model = fb.fit(real, holdout=0)
    empty = real.set_column(1, "plan", pa.nulls(400))
    filled = model.impute(empty)
    assert set(filled.column("plan").to_pylist()) <= {"free", "pro"}
