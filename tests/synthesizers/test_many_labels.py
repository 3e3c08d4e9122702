"""Columns of more labels than a feature has codes, and whole numbers that are labels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb


def shops(shops: int, rows: int, *, seed: int) -> pa.Table:
    """Rows of shops, each with a level of sales and a region of its own."""
    fixed, rng = np.random.default_rng(3), np.random.default_rng(seed)
    level, region = fixed.normal(size=shops), fixed.integers(0, 8, shops)
    at = rng.integers(0, shops, rows)
    return pa.table(
        {
            "shop": [f"s{number:04d}" for number in at],
            "sales": np.exp(4 + 0.8 * level[at] + 0.2 * rng.normal(size=rows)).round(2),
            "region": [f"r{number}" for number in region[at]],
        }
    )


def explained(table: pa.Table, column: str) -> float:
    """The share of the spread of log sales that lies between the labels of a column."""
    labels = np.unique(np.asarray(table[column].cast(pa.string())), return_inverse=True)[1]
    sales = np.log(np.asarray(table["sales"]))
    means = np.bincount(labels, sales) / np.bincount(labels)
    return float(1 - (sales - means[labels]).var() / sales.var())


def test_a_number_still_follows_a_label_of_hundreds():
    real = shops(300, 6_000, seed=1)
    drawn = fb.fit(real, holdout=0, seed=1, exact=False).sample(6_000, seed=2)
    assert explained(drawn, "shop") > explained(real, "shop") - 0.06
    known = dict(zip(real["shop"].to_pylist(), real["region"].to_pylist(), strict=True))
    right = [
        known[shop] == region
        for shop, region in zip(drawn["shop"].to_pylist(), drawn["region"].to_pylist(), strict=True)
    ]
    assert np.mean(right) > 0.85


def test_a_saved_model_of_many_labels_draws_the_same_rows(tmp_path):
    fitted = fb.fit(shops(100, 2_000, seed=1), holdout=0, seed=1)
    fitted.save(tmp_path / "shops.fabula")
    again = fb.load_synthesizer(tmp_path / "shops.fabula")
    assert again.sample(300, seed=4).equals(fitted.sample(300, seed=4))


def test_a_label_among_many_can_be_asked_for():
    fitted = fb.fit(shops(100, 2_000, seed=1), holdout=0, seed=1)
    drawn = fitted.sample(50, seed=1, given={"shop": "s0007"})
    assert set(drawn["shop"].to_pylist()) == {"s0007"}


def test_rare_labels_among_many_join_the_ones_most_like_them():
    real = shops(100, 3_000, seed=1)
    tail = shops(100, 600, seed=2).set_column(0, "shop", [[f"t{n:04d}" for n in range(600)]])
    fitted = fb.fit(pa.concat_tables([real, tail]), holdout=0, seed=1)
    assert "rare ones in 600 rows join the ones most like them" in str(fitted.card())
    drawn = fitted.sample(3_000, seed=2)
    assert set(drawn["shop"].to_pylist()) <= set(real["shop"].to_pylist())
    assert explained(drawn, "shop") > 0.8


def codes(rows: int) -> pa.Table:
    """Costs by the number of a diagnosis."""
    fixed, rng = np.random.default_rng(5), np.random.default_rng(6)
    numbers = np.sort(fixed.choice(np.arange(1_000, 9_999), 150, replace=False))
    level, at = fixed.normal(size=150), rng.integers(0, 150, rows)
    return pa.table(
        {
            "diagnosis": numbers[at],
            "sales": np.exp(level[at] + 0.3 * rng.normal(size=rows)).round(2),
        }
    )


@pytest.mark.parametrize("kind", [pa.int64(), pa.string()])
def test_codes_of_digits_are_never_invented(kind):
    real = codes(3_000)
    real = real.set_column(0, "diagnosis", real["diagnosis"].cast(kind))
    fitted = fb.fit(real, holdout=0, seed=1)
    drawn = fitted.sample(3_000, seed=2)
    assert drawn.schema.field("diagnosis").type == kind
    assert set(drawn["diagnosis"].to_pylist()) <= set(real["diagnosis"].to_pylist())
    assert explained(drawn, "diagnosis") > explained(real, "diagnosis") - 0.08


def test_a_range_of_codes_can_be_asked_for():
    drawn = fb.fit(codes(3_000), holdout=0, seed=1).sample(
        100, seed=1, given={"diagnosis": "2000..5000"}
    )
    assert all(2_000 <= code <= 5_000 for code in drawn["diagnosis"].to_pylist())


def test_numbers_whose_order_tells_stay_numbers():
    rng = np.random.default_rng(1)
    weight = rng.integers(1, 400, 4_000) * 25 + 100
    real = pa.table({"weight": weight, "cost": (weight * 0.3 + rng.normal(size=4_000)).round(1)})
    assert "numbers" in str(fb.fit(real, holdout=0, seed=1).card()).split("cost")[0]
