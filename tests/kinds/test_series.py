"""Series: each part of a value by itself, noise over time and between entities, faults, errors."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from fabula.engines import steps
from tests.engines.builders import made_tables, numbers, violations
from tests.engines.test_determinism import digest

DAYS = {"kind": "sequence", "start": dt.date(2024, 1, 1), "step": "1d", "within": "sensor"}
SENSORS, LENGTH = 30, 1_000


def panel(*, seed: int = 1, step: str = "1d", clock: Any = None, **series: Any) -> pa.Table:
    """Readings of sensors, a thousand each."""
    days = {**DAYS, "step": step, "start": clock or DAYS["start"]}
    columns = {
        "sensor": {"kind": "reference", "to": "sensors"},
        "at": days,
        "x": {"kind": "series", "at": "at", "of": "sensor", **series},
    }
    return made_tables(
        {
            "sensors": {"n": SENSORS, "columns": {"id": {"kind": "key"}}},
            "readings": {"per_parent": {"of": "sensors", "fixed": LENGTH}, "columns": columns},
        },
        seed=seed,
    )["readings"]


def grid(**series: Any) -> NDArray[np.float64]:
    """The readings, shape (sensors, steps)."""
    return numbers(panel(**series), "x").reshape(SENSORS, LENGTH)


def test_level_trend_and_seasons_add_up() -> None:
    table = panel(level=10, trend=2, weekly=[0, 0, 0, 0, 0, 3, 4], yearly=list(range(12))).slice(
        0, LENGTH
    )
    days = table["at"].to_pylist()
    expected = [
        10
        + 2 * (day - days[0]).days / 365.25
        + [0, 0, 0, 0, 0, 3, 4][day.weekday()]
        + (day.month - 1)
        for day in days
    ]
    assert numbers(table, "x") == pytest.approx(expected)


def test_waves_have_their_peak_where_it_is_said() -> None:
    table = panel(yearly={"amplitude": 9, "peak": 200}).slice(0, 366)
    assert table["at"][int(np.argmax(numbers(table, "x")))].as_py() == dt.date(2024, 7, 18)
    hourly = panel(
        step="1h", clock=dt.datetime(2024, 1, 1), daily={"amplitude": 4, "peak": 15}
    ).slice(0, 24)
    values = numbers(hourly, "x")
    assert int(np.argmax(values)) == 15
    assert (values[15], values[3]) == pytest.approx((4, -4))


def test_each_hour_of_the_day_has_its_own_value() -> None:
    hours = panel(step="30m", clock=dt.datetime(2024, 1, 1), daily=list(range(24)))
    assert numbers(hours.slice(0, 48), "x").tolist() == [hour for hour in range(24) for _ in "ab"]


def test_effects_that_multiply_keep_the_level_as_their_mean() -> None:
    values = grid(
        level=100, effects="multiply", noise=0.2, ar=0.3, spread=0.1, weekly=[-0.5, 0.5, *[0.0] * 5]
    )
    assert values.min() > 0
    assert values.mean() == pytest.approx(100, rel=5 * 0.11 / np.sqrt(SENSORS))
    monday, tuesday = values[:, 0::7].mean(), values[:, 1::7].mean()
    assert tuesday / monday == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("ar", [0.0, 0.5, 0.9, -0.6])
def test_noise_has_its_width_and_lasts_as_long_as_it_is_told(ar: float) -> None:
    values = grid(noise=3, ar=ar)
    independent = values.size * (1 - abs(ar)) / (1 + abs(ar))
    assert values.std() == pytest.approx(3, abs=5 * 3 / np.sqrt(independent))
    for lag in (1, 2, 5):
        found = np.corrcoef(values[:, lag:].ravel(), values[:, :-lag].ravel())[0, 1]
        assert found == pytest.approx(ar**lag, abs=5 / np.sqrt(independent))


def test_entities_share_as_much_of_their_noise_as_is_said() -> None:
    together = np.corrcoef(grid(noise=1, shared=0.6))
    assert together[np.triu_indices(SENSORS, 1)].mean() == pytest.approx(0.6, abs=0.07)
    apart = np.corrcoef(grid(noise=1))[np.triu_indices(SENSORS, 1)]
    assert abs(apart.mean()) < 5 / np.sqrt(len(apart) * LENGTH) + 0.01


def test_columns_with_a_shock_of_one_name_move_together() -> None:
    series = {"kind": "series", "at": "at", "noise": 1, "shared": 0.8}
    clock = {**DAYS, "within": None}
    columns = {
        "at": clock,
        "x": {**series, "shock": "weather"},
        "y": {**series, "shock": "weather"},
    }
    table = made_tables({"t": {"n": 4_000, "columns": columns}})["t"]
    found = np.corrcoef(numbers(table, "x"), numbers(table, "y"))[0, 1]
    assert found == pytest.approx(0.8, abs=5 / np.sqrt(4_000))


def test_each_entity_has_a_level_of_its_own() -> None:
    levels = grid(level=50, spread=4)
    assert (levels == levels[:, :1]).all()
    assert len(np.unique(levels[:, 0])) == SENSORS
    assert levels.mean() == pytest.approx(50, abs=5 * 4 / np.sqrt(SENSORS))


def test_gaps_have_their_share_and_length() -> None:
    gone = np.isnan(grid(level=1, gaps={"share": 0.1, "length": 8}))
    starts = (gone[:, 1:] & ~gone[:, :-1]).sum()
    assert gone.mean() == pytest.approx(0.1, abs=5 * np.sqrt(0.1 * 2 * 8 / gone.size))
    assert gone.sum() / starts == pytest.approx(8 / 0.9, rel=5 / np.sqrt(starts))


def test_a_stuck_sensor_repeats_its_last_reading() -> None:
    values = grid(noise=1, stuck={"share": 0.1, "length": 5})
    same = (values[:, 1:] == values[:, :-1]).mean()
    assert same == pytest.approx(0.1 * 0.8, abs=0.012)
    free = grid(noise=1)
    assert (values == free).mean() == pytest.approx(1 - 0.1 * 0.8, abs=0.012)


def test_spikes_are_as_many_and_as_large_as_is_said() -> None:
    off = grid(spikes={"share": 0.01, "size": 20})
    hit = np.abs(off[off != 0])
    assert (off != 0).mean() == pytest.approx(0.01, abs=5 * np.sqrt(0.01 / off.size))
    assert 10 <= hit.min() <= hit.max() <= 30


def test_a_row_has_the_same_value_wherever_it_stands() -> None:
    """Blocks cut the rows of an entity; windows of steps that are too wide are worked out apart."""
    series = {"noise": 2, "ar": 0.9, "shared": 0.5, "gaps": {"share": 0.1, "length": 3}}
    whole = panel(**series)
    shuffled = {
        "kind": "series",
        "at": "TIMESTAMP '2024-01-01' + to_days(CAST(place // 30 AS INTEGER))",
        "of": "sensor",
        "step": "1d",
        **series,
    }
    columns = {
        "place": {"kind": "sequence", "start": 0},
        "sensor": {"kind": "expr", "sql": "30 - place % 30"},
        "x": shuffled,
    }
    table = made_tables({"readings": {"n": SENSORS * LENGTH, "columns": columns}})["readings"]
    by_sensor = numbers(table, "x").reshape(LENGTH, SENSORS).T[::-1]
    expected = numbers(whole, "x").reshape(SENSORS, LENGTH)
    assert np.array_equal(by_sensor, expected, equal_nan=True)


def test_wide_windows_are_worked_out_in_parts_to_the_same_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    series = {"noise": 2, "ar": 0.9, "shared": 0.5, "stuck": {"share": 0.1, "length": 3}}
    whole = panel(**series)
    monkeypatch.setattr(steps, "MOST_CELLS", 5_000)
    assert panel(**series).equals(whole)


def test_another_column_changes_no_value_and_another_seed_changes_all() -> None:
    base = numbers(panel(noise=1, ar=0.5), "x")
    assert (numbers(panel(noise=1, ar=0.5, seed=2), "x") != base).all()


def test_golden_bytes() -> None:
    """Determinism: the hash changes only with a deliberate change of draws."""
    faults = {"gaps": {"share": 0.05, "length": 4}, "stuck": {"share": 0.05, "length": 3}}
    table = panel(
        level=10, spread=2, trend=1, yearly={"amplitude": 5, "peak": 200}, noise=2, ar=0.7,
        shared=0.4, **faults, spikes={"share": 0.01, "size": 20},
    )  # fmt: skip
    assert digest(table) == "5293fa9ea07a0508deb4d30cd57e5f9d545530ed60de7ba156ed939da016a88f"


def test_values_keep_their_bounds_and_decimals() -> None:
    table = panel(level=5, noise=10, min=0, max=12, decimals=0)
    assert table["x"].type == pa.int64()
    assert (numbers(table, "x").min(), numbers(table, "x").max()) == (0, 12)


def test_a_missing_time_gives_a_missing_value() -> None:
    columns = {
        "at": {**DAYS, "within": None, "nulls": 0.5},
        "x": {"kind": "series", "at": "at", "level": 3},
    }
    table = made_tables({"t": {"n": 100, "columns": columns}})["t"]
    assert table["x"].is_null().equals(table["at"].is_null())


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"at": "n", "step": "1d"}, "must be a time, not int64", "at"),
    ({"at": "dy", "step": "1d"}, "uses `dy`, which no column defines", "at"),
    ({"at": "2024-01-01", "step": "1d"}, "names a column of times", "at"),
    ({"at": "shifted"}, "needs the length of its steps", ""),
    ({"at": "shifted", "step": "1d", "trend": 1}, "`trend` counts from a time", "trend"),
    ({"at": "day", "step": "0d"}, "`step` must be above 0", "step"),
    ({"at": "day", "spread": 2}, "`spread` is about several series", "spread"),
    ({"at": "day", "of": "sensr"}, "uses `sensr`", "of"),
    ({"at": "day", "noise": -1}, "must not be below 0", "noise"),
    ({"at": "day", "daily": {"amplitude": 1, "peak": 30}}, "an hour lies in 0 to 24", "daily.peak"),
    (
        {"at": "day", "effects": "multiply", "yearly": {"amplitude": 9, "peak": 1}},
        "subtracts more than the level",
        "yearly",
    ),
]


@pytest.mark.parametrize(("series", "message", "place"), BAD)
def test_what_no_series_can_follow_from_is_refused_at_its_place(
    series: dict[str, Any], message: str, place: str
) -> None:
    columns = {
        "n": {"kind": "key"},
        "day": {**DAYS, "within": None},
        "shifted": {"kind": "expr", "sql": "day + 1"},
        "x": {"kind": "series", **series},
    }
    found = violations({"t": {"n": 5, "columns": columns}})
    where = f"tables.t.columns.x.{place}".removesuffix(".")
    assert any(message in item.message and item.where == where for item in found), found
