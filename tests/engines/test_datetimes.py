"""Dates and times: ranges, office hours, weekdays, seasons, starts from other columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fabula.errors import CheckError, SpecError
from tests.engines.builders import drawn, five_sigma_share, ks_bound, made, made_tables, numbers

N = 100_000


def times(column: dict[str, Any], n: int = N) -> np.ndarray:
    return drawn({"kind": "datetime", **column}, n)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2022-01-01", "2026-01-01"),
        ("1900-01-01", "1900-01-02"),
        ("0001-01-01", "0001-03-01"),
        ("2262-01-01", "2500-01-01"),
        ("9998-01-01", "9999-12-31"),
        ("1969-12-31T23:00:00", "1970-01-01T01:00:00"),
        ("2024-05-01T10:00:00", "2024-05-01T10:00:01"),
    ],
)
def test_times_are_uniform_between_start_and_end(start: str, end: str) -> None:
    """Dates before 1970 and after 2262 too; the end is not included."""
    first, last = np.datetime64(start, "us"), np.datetime64(end, "us")
    values = times({"start": start, "end": end})
    assert values.min() >= first
    assert values.max() < last
    share = (values - first) / (last - first)
    grid = 1 / ((last - first) / np.timedelta64(1, "s"))
    assert stats.kstest(share, stats.uniform.cdf).statistic < ks_bound(N) + grid


@pytest.mark.parametrize(("start", "days"), [("2024-02-01", 29), ("1969-12-20", 31)])
def test_dates_take_every_day_alike(start: str, days: int) -> None:
    values = times({"start": start, "within": f"{days}d", "date": True})
    counts = np.bincount((values - np.datetime64(start)).astype(int))
    assert len(counts) == days
    assert np.abs(counts / N - 1 / days).max() < five_sigma_share(1 / days, N)


def test_times_are_at_steps_from_their_start() -> None:
    """Appointments every quarter of an hour, within the hours and days that may occur."""
    column = {"start": "2024-01-01", "end": "2024-03-01", "hours": "9-17", "weekdays": "mon-fri"}
    values = times({**column, "step": "15m"})
    assert (
        not ((values - np.datetime64("2024-01-01", "us")) % np.timedelta64(15, "m"))
        .astype(int)
        .any()
    )
    hours = (values - values.astype("datetime64[D]")) / np.timedelta64(1, "h")
    assert hours.min() == 9
    assert hours.max() == 16.75
    counts = np.unique(hours, return_counts=True)[1]
    assert len(counts) == 32
    assert np.abs(counts / N - 1 / 32).max() < five_sigma_share(1 / 32, N)
    late = times({"start": "2024-01-01T10:07", "within": "12d", "weekdays": "mon", "step": "1h"})
    assert late.min() == np.datetime64("2024-01-01T11:00", "us")
    assert set(late.astype("datetime64[D]").astype(str)) == {"2024-01-01", "2024-01-08"}
    whole = times({"start": "2024-01-01", "end": "2024-01-29", "step": "1w", "date": True})
    assert len(np.unique(whole)) == 4


def test_first_days_of_months_quarters_and_years_are_alike_in_chance() -> None:
    """Bounds need not be first days; bounds of each row are kept, too."""
    quarters = times({"start": "2023-01-02", "end": "2024-01-02", "step": "quarter", "date": True})
    days, counts = np.unique(quarters, return_counts=True)
    assert days.astype(str).tolist() == ["2023-04-01", "2023-07-01", "2023-10-01", "2024-01-01"]
    assert np.abs(counts / N - 0.25).max() < five_sigma_share(0.25, N)
    years = times({"start": "1969-12-31T23:59:59", "end": "1972-01-01", "step": "year"})
    assert set(years.astype("datetime64[s]").astype(str)) == {
        "1970-01-01T00:00:00", "1971-01-01T00:00:00",
    }  # fmt: skip
    columns = {
        "at": {"kind": "datetime", "start": "2024-01-01", "end": "2024-12-01", "date": True},
        "due": {"kind": "datetime", "start": "at", "within": "62d", "step": "month", "date": True},
    }
    table = made(columns, 2_000).to_pydict()
    assert {due.day for due in table["due"]} == {1}
    assert {(due - at).days >= 0 for at, due in zip(*table.values(), strict=True)} == {True}
    columns["due"]["within"] = "2d"
    with pytest.raises(CheckError, match="no first day lies between"):
        made(columns, 2_000)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"step": "month", "weekdays": "mon-fri"}, "neither `hours`, `weekdays` nor `season`"),
        ({"start": "2024-01-02", "step": "year"}, "no year begins between"),
        ({"step": "0s"}, "not a number of whole seconds"),
        ({"step": "36h", "date": True}, "not a number of whole days"),
        ({"step": "2h", "hours": "9-17"}, "begin at a `step` from midnight"),
        ({"step": "7h", "hours": "7-17"}, "divides a day evenly"),
        ({"step": "2d", "weekdays": "mon-fri"}, "divides a day evenly"),
    ],
)
def test_steps_that_lead_nowhere_are_refused(column: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        times({"start": "2024-01-01", "end": "2024-02-01", **column}, 10)


def test_times_within_a_duration_follow_another_column() -> None:
    """An order is placed after its customer signed up."""
    tables = made_tables(
        {
            "customers": {
                "n": 5_000,
                "columns": {
                    "id": {"kind": "key"},
                    "signed_up": {"kind": "datetime", "start": "2022-01-01", "end": "2024-01-01"},
                },
            },
            "orders": {
                "n": 50_000,
                "columns": {
                    "c": {"kind": "reference", "to": "customers"},
                    "since": {"kind": "expr", "sql": "c.signed_up"},
                    "placed": {"kind": "datetime", "start": "c.signed_up", "within": "700d"},
                },
            },
        }
    )
    orders = tables["orders"]
    waited = (numbers(orders, "placed") - numbers(orders, "since")) / np.timedelta64(700, "D")
    assert waited.min() >= 0
    assert waited.max() < 1
    assert stats.kstest(waited, stats.uniform.cdf).statistic < ks_bound(50_000)
    written = dict(
        zip(*(tables["customers"][name].to_pylist() for name in ("id", "signed_up")), strict=True)
    )
    pairs = zip(orders["c"].to_pylist(), orders["since"].to_pylist(), strict=True)
    assert all(written[key] == since for key, since in pairs)


def test_a_missing_start_makes_a_missing_time() -> None:
    start = {"kind": "datetime", "start": "2024-01-01", "within": "9d", "nulls": 0.3}
    columns = {"a": start, "b": {"kind": "datetime", "start": "a", "within": "1d"}}
    table = made(columns, 1_000)
    assert table["b"].is_null().equals(table["a"].is_null())
    shaped = {**columns, "b": {**columns["b"], "hours": "9-17"}}
    table = made(shaped, 1_000)
    assert table["b"].is_null().equals(table["a"].is_null())


def test_office_hours_and_weekdays_hold() -> None:
    """Every allowed second is alike."""
    values = times(
        {"start": "2024-01-01", "within": "280d", "hours": "9-17", "weekdays": "mon-fri"}
    )
    days = values.astype("datetime64[D]")
    assert set(((days.astype(int) + 3) % 7).tolist()) == {0, 1, 2, 3, 4}
    into = (values - days) / np.timedelta64(1, "h")
    assert into.min() >= 9
    assert into.max() < 17
    assert stats.kstest((into - 9) / 8, stats.uniform.cdf).statistic < ks_bound(N)
    counts = np.bincount((days.astype(int) + 3) % 7)
    assert np.abs(counts / N - 0.2).max() < five_sigma_share(0.2, N)


def test_hours_hold_for_starts_at_any_time_of_the_day() -> None:
    """Bounds and hours at once, row by row."""
    columns = {
        "a": {"kind": "datetime", "start": "2024-01-01", "within": "30d"},
        "b": {"kind": "datetime", "start": "a", "within": "3d", "hours": "8-20"},
    }
    table = made(columns, 20_000)
    a, b = numbers(table, "a"), numbers(table, "b")
    into = (b - b.astype("datetime64[D]")) / np.timedelta64(1, "h")
    assert (b >= a - np.timedelta64(1, "s")).all()
    assert (b <= a + np.timedelta64(3, "D")).all()
    assert into.min() >= 8
    assert into.max() <= 20


def test_months_have_their_share_of_the_season() -> None:
    """Weights by month, times the month's days."""
    season = {"dec": 3, "jan": 0.5, "jul": 0}
    values = times({"start": "2023-01-01", "end": "2024-01-01", "season": season})
    months = values.astype("datetime64[M]").astype(int) % 12
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    weights = days * np.array([0.5, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 3])
    law = weights / weights.sum()
    assert np.abs(np.bincount(months, minlength=12) / N - law).max() < five_sigma_share(0.25, N)


@pytest.mark.parametrize(
    "shape",
    [
        {"start": "2024-01-01", "end": "2024-01-02", "weekdays": "sat-sun"},
        {"start": "2024-01-03", "end": "2024-01-30", "season": {"jan": 0}},
        {"start": "2024-01-01T18:00:00", "end": "2024-01-01T20:00:00", "hours": "9-17"},
    ],
)
def test_a_shape_that_no_time_fits_is_an_error(shape: dict[str, Any]) -> None:
    """An impossible rule is named."""
    with pytest.raises(CheckError) as caught:
        times(shape, 10)
    assert caught.value.code == "engine.empty-range"
    assert caught.value.message == (
        "no time between the bounds of column `x` fits its hours, weekdays and season in row 1"
    )
    assert caught.value.where == "tables.t.columns.x"
    assert caught.value.hint == "widen the bounds, or allow more hours, weekdays or months"


def test_an_end_before_its_start_is_an_error_that_names_the_row() -> None:
    columns = {
        "a": {"kind": "sequence", "start": dt.date(2024, 1, 1), "step": 1},
        "b": {"kind": "datetime", "start": "a", "end": "2024-01-03"},
    }
    with pytest.raises(CheckError) as caught:
        made(columns, 10)
    assert caught.value.code == "engine.empty-range"
    assert caught.value.message == "`end` of column `b` is before its `start` in row 4"
    assert (
        caught.value.hint == "bound one of them in its expression, such as `greatest(start, end)`"
    )


def test_steps_of_time() -> None:
    """Sequences of dates and times, backwards too."""
    day, moment = dt.date(2024, 2, 27), dt.datetime(2024, 2, 28, 23)
    columns: dict[str, dict[str, Any]] = {
        "days": {"kind": "sequence", "start": day, "step": 1},
        "halves": {"kind": "sequence", "start": day, "step": "12h"},
        "hours": {"kind": "sequence", "start": moment, "step": "90m"},
        "back": {"kind": "sequence", "start": day, "step": -1},
        "ends": {"kind": "sequence", "start": dt.date(2023, 12, 31), "step": "month"},
        "leaps": {"kind": "sequence", "start": dt.datetime(1968, 2, 29, 9), "step": "year"},
    }
    table = made(columns, 4).to_pydict()
    assert table["days"] == [day + dt.timedelta(i) for i in range(4)]
    assert table["halves"] == [day + dt.timedelta(i // 2) for i in range(4)]
    assert table["hours"] == [moment + i * dt.timedelta(minutes=90) for i in range(4)]
    assert [str(day)[2:] for day in table["ends"]] == [
        "23-12-31",
        "24-01-31",
        "24-02-29",
        "24-03-31",
    ]
    assert [str(at)[5:13] for at in table["leaps"]] == ["02-29 09", *["02-28 09"] * 3]
    assert table["back"] == [day - dt.timedelta(i) for i in range(4)]
