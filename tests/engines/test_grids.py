"""Combinations that may not repeat where nearly all of them are used."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import SpecError

AIRLINES, YEARS = list("ABCDEF"), list(range(1970, 1985))


def rows_of(
    columns: dict[str, Any], n: int, *, seed: int = 0, **table: Any
) -> list[tuple[Any, ...]]:
    spec = {"fabula": 1, "name": "t", "tables": {"t": {"n": n, "columns": columns, **table}}}
    made = fb.generate(fb.DatasetSpec.model_validate(spec), seed=seed)["t"]
    return list(zip(*(made.column(name).to_pylist() for name in columns), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_panel_takes_every_combination_once(seed: int) -> None:
    columns = {
        "airline": {"kind": "choice", "values": AIRLINES},
        "year": {"kind": "uniform", "min": 1970, "max": 1984, "decimals": 0},
    }
    rows = rows_of(columns, 90, seed=seed, primary_key=["airline", "year"])
    assert sorted(rows) == [(airline, year) for airline in AIRLINES for year in YEARS]
    assert rows != sorted(rows)


def test_weights_decide_which_combinations_are_left_out() -> None:
    columns = {
        "size": {"kind": "choice", "values": {"often": 50, "seldom": 1}},
        "day": {"kind": "uniform", "min": 1, "max": 200, "decimals": 0},
    }
    rows = rows_of(columns, 260, unique=[["size", "day"]])
    counts = Counter(size for size, _ in rows)
    assert len(set(rows)) == 260
    assert counts["often"] == 200 - (counts["seldom"] - 60) >= 190


def test_unique_days_take_every_day() -> None:
    columns = {
        "day": {"kind": "datetime", "start": "2024-01-01", "end": "2025-01-01", "date": True,
                "unique": True}
    }  # fmt: skip
    days = sorted(day for (day,) in rows_of(columns, 366))
    assert days == [dt.date(2024, 1, 1) + dt.timedelta(days=at) for at in range(366)]


def test_numbers_with_decimals_and_codes_that_fill_a_grid_are_all_drawn() -> None:
    columns = {
        "x": {"kind": "uniform", "min": 0, "max": 1, "decimals": 1},
        "y": {"kind": "choice", "values": [10, 20]},
    }
    rows = rows_of(columns, 22, primary_key=["x", "y"])
    assert sorted(rows) == [(x / 10, y) for x in range(11) for y in (10, 20)]


def test_more_rows_than_combinations_are_refused_before_any_is_made() -> None:
    columns = {"a": {"kind": "choice", "values": [1, 2]}, "b": {"kind": "choice", "values": [1, 2]}}
    with pytest.raises(SpecError, match="4"):
        rows_of(columns, 5, primary_key=["a", "b"])


def test_what_init_writes_of_a_panel_generates(tmp_path: Path) -> None:
    lines = [f"{firm},{year},{firm * year % 97}" for firm in range(1, 61) for year in YEARS]
    path = tmp_path / "panel.csv"
    path.write_text("\n".join(["firm,year,cost", *lines]), encoding="utf-8")
    made = fb.generate(fb.infer(path))["panel"]
    assert len(set(zip(made["firm"].to_pylist(), made["year"].to_pylist(), strict=True))) == 900


def test_each_hour_of_a_year_comes_once() -> None:
    """Nearly all of them are used, which drawing again would not find."""
    hours = {"kind": "datetime", "start": "2010-01-01T00:30", "end": "2011-01-01", "step": "1h"}
    values = {at for (at,) in rows_of({"at": {**hours, "unique": True}}, 8_759)}
    assert len(values) == 8_759
    assert {at.minute for at in values} == {30}
    assert max(values) < dt.datetime(2011, 1, 1)
    days = {"kind": "datetime", "start": "2024-01-01", "end": "2025-01-01", "date": True}
    mondays = {at for (at,) in rows_of({"at": {**days, "step": "1w", "unique": True}}, 53)}
    assert len(mondays) == 53
    assert {day.weekday() for day in mondays} == {0}
    months = {at for (at,) in rows_of({"at": {**days, "step": "month", "unique": True}}, 12)}
    assert months == {dt.date(2024, month, 1) for month in range(1, 13)}
