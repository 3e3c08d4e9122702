"""The distribution of one column's profile as a chart, for pages that show a table's columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any

from fabula.evaluation.metrics.plot_data import Distribution
from fabula.render.charts import distribution
from fabula.reports.profile import ColumnProfile
from fabula.reports.profile_text import value_text


def column_figures(columns: Iterable[ColumnProfile]) -> list[dict[str, Any]]:
    """A figure for each column whose values have a distribution; keys and free texts have none."""
    pictures = (picture for column in columns if (picture := _picture(column)) is not None)
    return [{"drawing": distribution(each), "title": each.name, "key": False} for each in pictures]


def _picture(column: ColumnProfile) -> Distribution | None:
    filled = column.rows - column.nulls
    if not filled:
        return None
    if column.top:
        labels = [str(value) for value, _ in column.top]
        counts = [count for _, count in column.top]
        if (rest := filled - sum(counts)) > 0:
            labels, counts = [*labels, "all others"], [*counts, rest]
        return _of(column, "category", labels, counts)
    if not column.shape or not isinstance(column.low, int | float | Decimal | dt.date):
        return None
    if column.type == "int" and column.distinct == column.rows:  # a key
        return None
    low: Any = column.low
    bins, span = len(column.shape), column.high - low
    if column.type == "int" and 0 < span < bins:  # every number has a bin of its own
        numbers = range(low, column.high + 1)
        places = [min(int((number - low) / (span / bins)), bins - 1) for number in numbers]
        counts = [column.shape[place] for place in places]
        return _of(column, "category", [f"{number:,}" for number in numbers], counts)
    edges = [_between(column, at / bins) for at in range(bins + 1)]
    labels = [f"{low} to {high}" for low, high in pairwise(edges)]
    return _of(column, "number", labels, column.shape)


def _of(
    column: ColumnProfile, family: str, labels: Iterable[str], counts: Iterable[int]
) -> Distribution:
    counts = tuple(counts)
    shares = tuple(count / max(sum(counts), 1) for count in counts)
    missing = (column.nulls / column.rows, 0.0)
    return Distribution(column.name, family, tuple(labels), shares, (), missing, None)


def _between(column: ColumnProfile, share: float) -> str:
    """A value between the column's ends; moments count like numbers."""
    low: Any = column.low
    high: Any = column.high
    if isinstance(low, Decimal):
        low, high = float(low), float(high)
    text = value_text(low + share * (high - low))
    is_long = isinstance(low, dt.datetime) and high - low > dt.timedelta(days=3)
    return text[:10] if is_long else text
