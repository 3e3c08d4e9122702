"""Columns that count the rows of each parent, and specs of schemas of every shape."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from tests.synthesizers.test_key_schemas import SHAPES


@pytest.mark.parametrize("shape", SHAPES)
def test_the_spec_of_related_tables_generates_with_keys_that_hold(shape):
    """Every foreign key leads to a row, and no primary key repeats: the checks say so."""
    spec = fb.infer(dict(shape()))
    made = fb.generate(spec, seed=3)
    report = fb.evaluate(made, spec=spec)
    assert report.checks.passed, report.checks


def test_lines_and_days_count_within_their_parent():
    """Lines of an order count from 1; a shop has a row for each day from one start on."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 6, 80)
    order = np.repeat(np.arange(80) + 1, sizes)
    line = np.concatenate([np.arange(size) + 1 for size in sizes])
    days = pa.array(np.tile(np.arange(18_000, 18_030, dtype=np.int32), 5)).cast(pa.date32())
    tables = {
        "orders": pa.table({"order_id": np.arange(80) + 1, "note": rng.normal(size=80)}),
        "lines": pa.table({"order_id": order, "line": line, "sum": rng.random(len(order))}),
        "shops": pa.table({"shop_id": np.arange(5) + 1, "size": rng.normal(size=5)}),
        "sales": pa.table({
            "shop_id": np.repeat(np.arange(5) + 1, 30), "day": days, "sum": rng.random(150),
        }),
    }  # fmt: skip
    spec = fb.infer(tables)
    made = {name: table.to_pandas() for name, table in fb.generate(spec, seed=2).items()}
    counted = made["lines"].groupby("order_id")["line"].agg(["min", "max", "count", "nunique"])
    assert (counted["min"] == 1).all()
    assert (counted["max"] == counted["count"]).all()
    assert (counted["count"] == counted["nunique"]).all()
    assert len(made["sales"]) == 150
    assert set(made["sales"]["day"]) == set(days.to_pylist())
    assert not made["sales"].duplicated(["shop_id", "day"]).any()


@pytest.mark.parametrize("shape", ["bounded", "mostly one", "one large", "never none"])
def test_parents_have_as_many_rows_as_in_the_data(shape):
    """Bounds move the mean of a Poisson, whose rate makes up for it."""
    rng, parents = np.random.default_rng(4), 20_000
    sizes = {
        "bounded": np.clip(rng.poisson(3, parents), 1, 4),
        "mostly one": np.where(rng.random(parents) < 0.95, 1, 9),
        "one large": np.concatenate([np.zeros(parents - 2_000, int), np.full(2_000, 30)]),
        "never none": 1 + rng.poisson(1.2, parents),
    }[shape]
    order = np.repeat(np.arange(parents) + 1, sizes)
    line = np.concatenate([np.arange(size) + 1 for size in sizes])
    spec = fb.infer({
        "orders": pa.table({"order_id": np.arange(parents) + 1, "note": rng.normal(size=parents)}),
        "lines": pa.table({"order_id": order, "line": line, "sum": rng.random(len(order))}),
    })  # fmt: skip
    made = fb.generate(spec, seed=2)["lines"].num_rows
    assert made == pytest.approx(len(order), rel=0.02)
