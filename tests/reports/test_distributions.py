"""Charts of a table's columns: which have one, and that bins hold what the rows do."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pyarrow as pa

from fabula.reports.distributions import column_figures
from fabula.reports.profile import profile_rows


def drawn(values: list[object]) -> dict[str, str]:
    """The chart of a column, by its name."""
    found = column_figures(profile_rows("t", pa.table({"x": values})).columns)
    return {each["title"]: str(each["drawing"].inline()) for each in found}


def test_keys_texts_and_empty_columns_have_no_chart() -> None:
    for values in (range(50), [f"text {at}" for at in range(500)], [None, None], [0.5] * 9, []):
        assert drawn(list(values)) == {}


def test_few_whole_numbers_are_bars_without_gaps() -> None:
    chart = drawn([1] * 60 + [2] * 30 + [3] * 10)["x"]
    assert re.findall(r">(\d+\.\d) %<", chart) == ["60.0", "30.0", "10.0"]


def test_numbers_and_moments_of_every_type_are_drawn() -> None:
    day = dt.datetime(2024, 1, 1, 9, 30)
    for values in (
        [Decimal("1.50"), Decimal("99.25")] * 9,
        [day + dt.timedelta(days=at % 40) for at in range(90)],
        [day.date() + dt.timedelta(days=at % 40) for at in range(90)],
        [float("nan"), 1.0, float("inf"), 2.0],
        [10**15 + at % 7 for at in range(99)],
    ):
        assert len(drawn(values)) == 1, values
    assert ">2024-01-01<" in drawn([day + dt.timedelta(days=at % 40) for at in range(90)])["x"]
