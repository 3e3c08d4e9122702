"""What a fit and a sample are asked for is checked, and what is lost is told."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError

RNG = np.random.default_rng(2)
ROWS = 400


@pytest.fixture(scope="module")
def model() -> fb.Synthesizer:
    """A fitted table of a number and a label."""
    data = {"x": RNG.normal(size=ROWS), "city": RNG.choice(["Wien", "Graz", "Linz"], ROWS)}
    return fb.fit(data, holdout=0, rounds=5)


@pytest.mark.parametrize("seed", ["x", 1.5, True, None])
def test_a_seed_that_is_no_whole_number_is_refused(model, seed):
    """By the fit, the sample and the filling of gaps, of one table and of several."""
    rows = {"x": [1.0] * 30}
    several = {"a": {"id": list(range(30))}, "b": {"id": list(range(30)), "a_id": [1] * 30}}
    related = fb.fit(several, rounds=2)
    for call in (
        lambda: fb.fit(rows, seed=seed),
        lambda: fb.fit(several, seed=seed),
        lambda: related.sample(seed=seed),
        lambda: model.sample(3, seed=seed),
        lambda: model.impute(model.sample(3), seed=seed),
    ):
        with pytest.raises(UsageError, match="`seed` must be a whole number") as wrong:
            call()
        assert wrong.value.code == "usage.seed"


@pytest.mark.parametrize(
    ("column", "shares"),
    [
        ("x", {"-1..1": 0.3, "0..2": 0.3}),
        ("x", {"..0.5": 0.3, "0..": 0.3}),
        ("city", {"Wien": 0.3, ("Wien", "Graz"): 0.3}),
    ],
)
def test_shares_that_overlap_are_refused(model, column, shares):
    """No row can be counted for two shares."""
    with pytest.raises(UsageError, match=f"shares of `{column}` overlap") as wrong:
        model.sample(9, shares={column: shares})
    assert wrong.value.code == "given.shares"


@pytest.mark.parametrize(
    ("column", "shares"),
    [("x", {"..0": 0.5, "0..": 0.5}), ("city", {"Wien": 0.5, ("Graz", "Linz"): 0.5})],
)
def test_shares_that_touch_are_met(model, column, shares):
    """Ranges may share the bound between them."""
    made = model.sample(200, shares={column: shares}).column(column).to_pylist()
    first = sum(value == "Wien" if column == "city" else value <= 0 for value in made)
    assert first == 100


def test_numbers_that_count_as_missing_are_told_on_the_card():
    """Infinite numbers, none at all, and too few to be shown; nothing is lost silently."""
    infinite = np.where(RNG.random(ROWS) < 0.5, np.inf, -np.inf)
    some = np.where(RNG.random(ROWS) < 0.25, np.inf, RNG.normal(size=ROWS))
    data = {
        "x": RNG.normal(size=ROWS),
        "infinite": infinite,
        "none": np.full(ROWS, np.nan),
        "few": [1.5] * 3 + [None] * (ROWS - 3),
        "some": some,
    }
    model = fb.fit(data, holdout=0, rounds=5)
    told = model.card().columns
    assert "400 infinite ones count as missing" in told["infinite"]
    assert "3 are too few to be shown and count as missing" in told["few"]
    assert f"{np.isinf(some).sum()} infinite ones count as missing" in told["some"]
    made = model.sample(100)
    assert all(made.column(name).null_count == 100 for name in ("infinite", "none", "few"))


def test_frames_of_polars_with_texts_are_learned_and_handed_back():
    """The texts of polars come as views, which Arrow takes no rows of."""
    frame = pl.DataFrame(
        {
            "city": ["Wien", "Graz"] * 50,
            "day": [f"{1 + i % 28}.{1 + i % 12}.2024" for i in range(100)],
        }
    )
    made = fb.fit(frame, rounds=3).sample(7)
    assert isinstance(made, pl.DataFrame)
    assert made.schema == frame.schema


def test_columns_drawn_last_have_the_real_shares() -> None:
    """Errors of a chain of columns do not add up in its last ones."""
    rng = np.random.default_rng(2)
    x = rng.lognormal(0, 1, 6_000)
    y = x * rng.lognormal(0, 0.5, 6_000)
    band = np.digitize(y, [0.3, 0.8, 1.5, 3])
    pro = rng.random(6_000) < 1 / (1 + np.exp(1.5 * (2.5 - band)))
    real = pa.table(
        {"x": x.round(2), "y": y.round(2), "band": band, "plan": np.where(pro, "p", "f")}
    )
    made = fb.fit(real, holdout=0).sample(100_000)
    for name in ("band", "plan"):
        shares, drawn = (
            dict(
                zip(
                    counted.field("values").to_pylist(),
                    counted.field("counts").to_numpy(),
                    strict=True,
                )
            )
            for counted in (real[name].value_counts(), made[name].value_counts())
        )
        apart = sum(abs(shares[label] / 6_000 - drawn[label] / 100_000) for label in shares) / 2
        assert apart < 0.01


@pytest.fixture(scope="module")
def visits() -> fb.Synthesizer:
    """Counts, prices and times of three months."""
    start = np.datetime64("2024-01-01", "us")
    data = {
        "count": RNG.integers(0, 20, ROWS * 4),
        "price": RNG.integers(100, 2_000, ROWS * 4) / 100,
        "time": start + RNG.integers(0, 90 * 86_400, ROWS * 4) * np.timedelta64(1, "s"),
    }
    return fb.fit(pa.table(data), holdout=0, rounds=5)


@pytest.mark.parametrize("given", [{"count": 3.5}, {"price": 5.255}, {"count": "3.5"}])
def test_a_number_between_two_steps_never_occurs(visits, given):
    with pytest.raises(UsageError) as caught:
        visits.sample(5, given=given)
    assert caught.value.code in ("given.unknown", "given.type")


@pytest.mark.parametrize("value", [3, 3.0, "3"])
def test_a_whole_number_is_itself_in_any_spelling(visits, value):
    assert set(visits.sample(50, given={"count": value})["count"].to_pylist()) == {3}


@pytest.mark.parametrize("day", ["2024-02-01", dt.date(2024, 2, 1), "2024-02-01..2024-02-01"])
def test_a_day_of_a_column_of_times_is_all_of_its_times(visits, day):
    times = visits.sample(300, given={"time": day})["time"].to_pylist()
    assert {time.date() for time in times} == {dt.date(2024, 2, 1)}
    assert len({time.hour for time in times}) > 12


def test_the_last_day_of_a_range_of_times_is_in_it(visits):
    days = "2024-02-01..2024-02-03"
    times = visits.sample(600, given={"time": days})["time"].to_pylist()
    assert {time.day for time in times} == {1, 2, 3}
    shared = visits.sample(2_000, shares={"time": {days: 0.5}})["time"].to_pylist()
    inside = [time for time in shared if dt.date(2024, 2, 1) <= time.date() <= dt.date(2024, 2, 3)]
    assert len(inside) == 1_000
