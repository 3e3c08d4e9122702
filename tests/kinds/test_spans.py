"""Durations and times of day: values, bounds, files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fabula.errors import SpecError
from fabula.io.formats import Format
from fabula.io.read import read_files, typed
from fabula.io.write import write_table
from fabula.io.written.clock import clock_texts, clock_values
from fabula.spec import col
from tests.engines.builders import made, violations

NOON = {"kind": "normal", "mean": 43_200, "std": 1_800}
COLUMNS: dict[str, Any] = {
    "leaves": {"kind": "time_of_day", "start": "6:00", "end": "22:00"},
    "lunch": {"kind": "time_of_day", "seconds": NOON, "nulls": 0.1},
    "exact": {"kind": "time_of_day", "decimals": 3},
    "lasts": {"kind": "duration", "seconds": {"kind": "lognormal", "median": 1500}, "max": "4h"},
    "pause": {"kind": "duration", "min": "5m", "max": "10m", "decimals": 2, "nulls": 0.2},
}


def values(column: dict[str, Any], n: int = 2_000) -> list[Any]:
    found: list[Any] = made({"x": column}, n)["x"].to_pylist()
    return found


def test_times_of_day_lie_from_the_start_until_before_the_end() -> None:
    found = values(COLUMNS["leaves"])
    assert dt.time(6) <= min(found) < dt.time(6, 5)
    assert dt.time(21, 55) < max(found) < dt.time(22)


def test_a_distribution_of_seconds_shapes_times_and_is_cut_to_the_day() -> None:
    found = values({"kind": "time_of_day", "seconds": {"kind": "normal", "mean": 0, "std": 3600}})
    assert max(found) < dt.time(6)
    assert values({**COLUMNS["lunch"], "nulls": 0})[0].hour in (10, 11, 12, 13)


def test_durations_lie_between_the_shortest_and_the_longest() -> None:
    found = values({**COLUMNS["pause"], "nulls": 0})
    assert dt.timedelta(minutes=5) <= min(found) <= max(found) <= dt.timedelta(minutes=10)
    assert any(item.microseconds for item in found)


def test_sql_computes_with_times_and_durations() -> None:
    columns = {**COLUMNS, "ends": {"kind": "expr", "sql": "leaves + lasts > TIME '12:00'"}}
    assert made(columns, 50)["ends"].null_count == 0


@pytest.mark.parametrize("file_format", ["parquet", "csv", "jsonl", "arrow"])
def test_every_format_gives_the_values_back(tmp_path: Path, file_format: Format) -> None:
    table = made(COLUMNS, 200)
    path = tmp_path / f"t.{file_format}"
    write_table(path, table, table.schema, file_format)
    read = typed(read_files([path], file_format, table.schema).to_table(), table.schema)
    assert read.to_pydict() == table.to_pydict()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_of_every_unit_and_sign_survive_as_text(unit: str) -> None:
    ticks = pa.array([0, 5, None, -3_605, 10**11], pa.int64()).cast(pa.duration(unit))
    assert clock_values(clock_texts(ticks), ticks.type).equals(ticks)


def test_a_text_that_is_not_a_duration_is_told() -> None:
    with pytest.raises(pa.ArrowInvalid, match="`soon` is not a time"):
        clock_values(pa.array(["0:00:01", "soon"]), pa.duration("s"))


def test_impossible_times_are_refused() -> None:
    with pytest.raises(SpecError, match="`25:00` is not a time of day"):
        col.time_of_day("25:00")
    with pytest.raises(SpecError, match="say how long"):
        col.duration()
    late = {"kind": "time_of_day", "start": "9:00", "end": "8:00"}
    vague = {"kind": "duration", "seconds": {"kind": "normal", "mean": "3 * x"}}
    empty = {"kind": "duration", "max": "1m", "seconds": {"kind": "pareto", "shape": 2, "min": 90}}
    for column, code in (
        (late, "spec.empty-range"),
        (vague, "spec.bad-number"),
        (empty, "spec.empty-range"),
    ):
        found = violations({"t": {"n": 3, "columns": {"x": column}}})
        assert [item.code for item in found] == [code]


def test_python_times_are_taken() -> None:
    assert col.time_of_day(dt.time(7, 30), "9:00").start == "07:30:00"
