"""Orders, distances and rhythms of columns: what holds between times and numbers of one row."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb

HOUR, DAY = 3_600, 86_400


def trips(rows: int = 3_000, seed: int = 0) -> pa.Table:
    """Trips of some minutes in a quarter of a year, mostly by day; one in twenty has no end."""
    rng = np.random.default_rng(seed)
    hours = rng.choice(24, rows, p=np.r_[np.full(6, 0.01), np.full(16, 0.055), np.full(2, 0.03)])
    start = rng.integers(0, 90, rows) * DAY + hours * HOUR + rng.integers(0, HOUR, rows)
    minutes = np.round(rng.lognormal(2.5, 0.6, rows), 1)
    end = start + (60 * minutes).astype(int)
    first = 1_700_006_400
    moments = pa.array((first + start) * 1_000_000, pa.timestamp("us"))
    ends = pa.array((first + end) * 1_000_000, pa.timestamp("us"), mask=rng.random(rows) < 0.05)
    least = np.round(rng.lognormal(3, 1, rows), 2)
    return pa.table(
        {
            "started": moments,
            "ended": ends,
            "minutes_paid": minutes,
            "least": least,
            "most": np.round(least + rng.lognormal(-1, 1, rows), 2),
        }
    )


@functools.cache
def model_of_trips() -> fb.Synthesizer[pa.Table]:
    """A synthesizer of the trips, fitted once."""
    return fb.fit(trips(), holdout=0)


def seconds(table: pa.Table) -> np.ndarray:
    """How long the trips took."""
    between = pc.subtract(table["ended"], table["started"]).drop_null().cast(pa.int64())
    return between.to_numpy() / 1e6


@pytest.mark.slow
def test_an_end_keeps_its_distance_from_its_start() -> None:
    """No end before its start, and trips take as long as the real ones."""
    real = trips()
    model = model_of_trips()
    made = model.sample(3_000, seed=1)
    assert made.schema.names == real.schema.names == model.schema.names
    assert (seconds(made) >= 0).all()
    for share in (0.1, 0.5, 0.9):
        assert np.quantile(seconds(made), share) == pytest.approx(
            np.quantile(seconds(real), share), rel=0.1
        )
    assert made["ended"].null_count / 3_000 == pytest.approx(0.05, abs=0.02)
    assert pc.all(pc.less_equal(made["least"], made["most"])).as_py()
    told = model.card().exact
    assert "started <= ended" in told
    assert "least <= most" in told
    assert not any(" - " in name for name in model.card().columns)


@pytest.mark.slow
def test_times_keep_their_hours() -> None:
    """A night is as quiet as the real one, though cells are longer than a day."""
    real = trips()
    made = model_of_trips().sample(3_000, seed=1)
    real_hours, hours = (
        np.bincount(pc.hour(table["started"]).to_numpy(), minlength=24) / table.num_rows
        for table in (real, made)
    )
    assert np.abs(real_hours - hours).sum() / 2 < 0.06
    assert hours[:6].sum() < 0.12


def test_orders_hold_where_ends_are_given_and_where_gaps_are_filled() -> None:
    """`given` a range of ends, starts follow; a missing end is filled near its start."""
    real = trips()
    model = model_of_trips()
    low, high = dt.datetime(2023, 12, 1), dt.datetime(2023, 12, 3)
    made = model.sample(200, given={"ended": f"{low}..{high}"})
    assert made.num_rows == 200
    ends = made["ended"].to_pylist()
    assert all(low <= end <= high for end in ends)
    assert seconds(made).min() >= 0
    assert np.median(seconds(made)) < 3 * np.median(seconds(real))
    filled = model.impute(real)
    assert filled.schema.names == real.schema.names
    assert filled["ended"].null_count == 0
    assert (seconds(filled) >= 0).all()
    assert seconds(filled).max() < 3 * seconds(real).max()


def test_what_is_not_handed_out_is_saved(tmp_path: Path) -> None:
    """A loaded synthesizer keeps the same orders, and makes the same rows."""
    model = model_of_trips()
    model.save(tmp_path / "trips.fabula")
    again = fb.load_synthesizer(tmp_path / "trips.fabula")
    assert again.sample(500, seed=3).equals(model.sample(500, seed=3))
    assert again.card().exact == model.card().exact


def test_an_order_that_chance_could_make_is_none() -> None:
    """Ages are above school marks on every row, but never could be below."""
    rng = np.random.default_rng(0)
    table = pa.table({"age": rng.integers(18, 90, 500), "mark": rng.integers(1, 7, 500)})
    assert fb.fit(table, holdout=0).card().exact == ()


def test_wide_orders_are_kept_too() -> None:
    """A number of few values below another one, learned as they are."""
    rng = np.random.default_rng(0)
    rooms = rng.integers(1, 12, 2_000)
    table = pa.table({"rooms": rooms, "bedrooms": np.maximum(1, rng.binomial(rooms, 0.5))})
    model = fb.fit(table, holdout=0)
    assert model.card().exact == ("bedrooms <= rooms",)
    made = model.sample(5_000)
    assert pc.all(pc.less_equal(made["bedrooms"], made["rooms"])).as_py()


def test_without_exact_nothing_is_learned_beside() -> None:
    """Exact=False leaves columns to the model alone."""
    model = fb.fit(trips(500), holdout=0, exact=False)
    assert model.card().exact == ()
    assert model.sample(100).num_rows == 100


@pytest.mark.slow
def test_times_written_as_text_keep_their_order() -> None:
    """Texts such as `14.11.2023 22:13` are made like the times that they stand for."""
    real = trips()
    texts = {
        name: pc.strftime(real[name], format="%d.%m.%Y %H:%M:00") for name in ("started", "ended")
    }
    for name, column in texts.items():
        real = real.set_column(real.schema.get_field_index(name), name, column)
    model = fb.fit(real, holdout=0)
    made = model.sample(1_000, given={"started": "01.12.2023 00:00:00..31.12.2023 00:00:00"})
    assert made.schema.field("ended").type == pa.string()
    started, ended = (
        pc.strptime(made[name], format="%d.%m.%Y %H:%M:%S", unit="s")
        for name in ("started", "ended")
    )
    assert pc.all(pc.less_equal(started, ended)).as_py()
    assert set(pc.unique(pc.month(started)).to_pylist()) == {12}
    assert set(made["started"].to_pylist()[0]) <= set("0123456789.: ")


def test_formulas_reach_prices_that_are_written_as_text() -> None:
    """`€ 1,234.50` is a number to a formula, on both of its sides."""
    rng = np.random.default_rng(0)
    cents = rng.integers(1_000, 900_000, 1_000)
    spent = [f"€ {value / 100:,.2f}" for value in cents]
    vat = [f"{value / 500:,.2f} EUR" for value in cents]
    model = fb.fit(pa.table({"spent": spent, "vat": vat}), holdout=0)
    assert len(model.card().exact) == 1
    made = model.sample(500, given={"spent": "€ 1,000.00.."}).to_pylist()
    for row in made:
        price = float(row["spent"].removeprefix("€ ").replace(",", ""))
        assert price >= 1_000
        assert float(row["vat"].removesuffix(" EUR").replace(",", "")) == round(price / 5, 2)


def test_a_column_between_two_that_follow_from_each_other_closes_no_circle() -> None:
    """Cost <= paid <= price, and the cost is half of the price."""
    rng = np.random.default_rng(0)
    price = 2 * np.round(rng.lognormal(5, 1, 1_000), 2)
    cost = np.round(price / 2, 2)
    paid = np.round(cost + (price - cost) * rng.uniform(0.45, 0.55, 1_000), 2)
    model = fb.fit(pa.table({"paid": paid, "price": price, "cost": cost}), holdout=0)
    for row in model.sample(500).to_pylist():
        assert row["cost"] <= row["paid"] <= row["price"]
        assert row["cost"] == pytest.approx(row["price"] / 2, abs=0.0051)  # of two decimals


def test_two_times_are_never_farther_apart_than_in_training() -> None:
    """Promises on whole days lie within the learned distance from their orders."""
    rng = np.random.default_rng(2)
    placed = rng.integers(0, 200 * DAY, 1_500)
    promised = (placed + rng.integers(2, 20, 1_500) * DAY) // DAY * DAY
    real = pa.table(
        {
            "started": pa.array((1_700_006_400 + placed) * 1_000_000, pa.timestamp("us")),
            "ended": pa.array((1_700_006_400 + promised) * 1_000_000, pa.timestamp("us")),
        }
    )
    made = fb.fit(real, holdout=0).sample(2_000, seed=1)
    assert made.num_rows == 2_000
    assert seconds(made).max() <= np.sort(seconds(real))[-10]
