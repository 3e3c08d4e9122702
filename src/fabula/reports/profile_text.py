"""A table's profile as text: one line a column, with the shape of its values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fabula.render import amounts, grid
from fabula.reports.profile import ColumnProfile, TableProfile

_BARS = "▁▂▃▄▅▆▇█"
_FULL_BAR = 8
_VALUE_ROOM = 28
_HEAD = ("column", "type", "nulls", "distinct", "values")


def profiles_text(profiles: Sequence[TableProfile]) -> str:
    """Profiles of several tables, one below the other."""
    return "\n\n".join(profile_text(profile) for profile in profiles)


def profile_text(profile: TableProfile) -> str:
    """One table: a line about the whole, a line for each column, and the reader's notes."""
    head = [
        profile.name,
        amounts.count(profile.rows, "row"),
        amounts.count(len(profile.columns), "column"),
    ]
    rows = [_HEAD, *(_cells(column) for column in profile.columns)]
    lines = grid.lines(rows, right=(False, False, True, True, False))
    notes = [f"note: {note}" for note in profile.notes]
    return "\n".join([" · ".join(head), *(f"  {line}" for line in (*lines, *notes))])


def _cells(column: ColumnProfile) -> tuple[str, ...]:
    distinct = amounts.count(column.distinct)
    return (
        grid.one_line(column.name),
        column.type,
        amounts.share(column.nulls, column.rows),
        distinct if column.exact else f"~{distinct}",
        _values(column),
    )


def _values(column: ColumnProfile) -> str:
    """How the values spread, in the form that suits the column."""
    if column.top:
        return _top(column)
    if column.low is not None:
        ends = f"{value_text(column.low)} … {value_text(column.high)}"
        mean = f"  mean {_number(column.mean)}" if column.mean is not None else ""
        return f"{_shape(column.shape)}  {ends}{mean}".lstrip()
    shown = [grid.fit(grid.one_line(value), _VALUE_ROOM) for value in column.examples[:2]]
    return f"e.g. {', '.join(shown)}" if shown else ""


def _top(column: ColumnProfile) -> str:
    """The frequent values, each with a bar and its share of the values that are there."""
    filled = column.rows - column.nulls
    most = column.top[0][1]
    shown = [
        f"{grid.fit(grid.one_line(str(value)), _VALUE_ROOM)} "
        f"{'▇' * max(1, round(_FULL_BAR * count / most))} {amounts.share(count, filled)}"
        for value, count in column.top
    ]
    return "  ".join([*shown, "…"] if len(column.top) < column.distinct else shown)


def _shape(bins: Sequence[int]) -> str:
    """Bars of a histogram; a bin that holds anything shows at least the lowest bar."""
    most = max(bins, default=0)
    return "".join(
        " " if count == 0 else _BARS[min(len(_BARS) - 1, count * len(_BARS) // most)]
        for count in bins
    )


def value_text(value: Any) -> str:
    """A number or a moment as short as it can be said."""
    if isinstance(value, dt.datetime):
        return str(value.replace(microsecond=0, tzinfo=None)).removesuffix(" 00:00:00")
    return _number(float(value)) if isinstance(value, int | float | Decimal) else str(value)


def _number(value: float) -> str:
    """At least four digits that count, thousands grouped, no zeros after the point in vain."""
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.3g}"
    decimals = 2 if abs(value) >= 10 else 4
    return f"{value:,.{decimals}f}".rstrip("0").rstrip(".")
