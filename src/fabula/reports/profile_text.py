"""A table's profile as text: one line per column, with the shape of its values."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fabula.render import amounts, grid
from fabula.reports.profile import ColumnProfile, TableProfile

_BARS = "▁▂▃▄▅▆▇█"
_FULL_BAR = 8
_SHORTEST_BAR = 3
_VALUE_ROOM = 28
_HEAD = ("column", "type", "nulls", "distinct", "values")
_RIGHT = (False, False, True, True)
_INDENT = "  "


def profiles_text(profiles: Sequence[TableProfile], *, room: int | None = None) -> str:
    """Profiles of several tables, one below the other, in lines of at most `room` characters."""
    return "\n\n".join(profile_text(profile, room=room) for profile in profiles)


def profile_text(profile: TableProfile, *, room: int | None = None) -> str:
    """One table: a line about the whole, a line for each column, and the reader's notes."""
    head = [
        profile.name,
        amounts.count(profile.rows, "row"),
        amounts.count(len(profile.columns), "column"),
    ]
    facts = grid.lines([_HEAD[:-1], *map(_facts, profile.columns)], right=_RIGHT)
    start = max(map(grid.width, facts)) + len(grid.GAP)
    left = room - start - len(_INDENT) if room else sys.maxsize
    values = [_HEAD[-1], *(_values(column, left) for column in profile.columns)]
    lines = [
        f"{grid.pad(known, start)}{value}".rstrip()
        for known, value in zip(facts, values, strict=True)
    ]
    notes = [f"note: {note}" for note in profile.notes]
    return "\n".join([" · ".join(head), *(f"{_INDENT}{line}" for line in (*lines, *notes))])


def _facts(column: ColumnProfile) -> tuple[str, ...]:
    distinct = amounts.count(column.distinct)
    return (
        grid.one_line(column.name),
        column.type,
        amounts.share(column.nulls, column.rows),
        distinct if column.exact else f"~{distinct}",
    )


def _values(column: ColumnProfile, room: int) -> str:
    """How the values spread, in the form that suits the column and the room that is left."""
    if column.top:
        return _top(column, room)
    if column.low is not None:
        shape = _shape(column.shape)
        mean = f"{grid.GAP}mean {_number(column.mean)}" if column.mean is not None else ""
        ends = " … ".join(map(value_text, (column.low, column.high)))
        days = " … ".join(value_text(end).split()[0] for end in (column.low, column.high))
        texts = (f"{shape}{grid.GAP}{text}".lstrip() for text in (ends + mean, ends, days))
        return next((text for text in texts if grid.width(text) <= room), grid.fit(days, room))
    shown = [grid.fit(grid.one_line(value), _VALUE_ROOM) for value in column.examples[:2]]
    return grid.fit(f"e.g. {', '.join(shown)}", room) if shown else ""


def _top(column: ColumnProfile, room: int) -> str:
    """The frequent values, each with a bar and its share of the values that are there."""
    further = ["…"] if len(column.top) < column.distinct else []
    for bar in (*range(_FULL_BAR, _SHORTEST_BAR - 1, -1), 0):
        text = grid.GAP.join([*_bars(column, bar), *further])
        if grid.width(text) <= room:
            return text
    shown = [*_bars(column, 0), "…"]
    while len(shown) > 2 and grid.width(grid.GAP.join(shown)) > room:
        del shown[-2]
    return grid.fit(grid.GAP.join(shown), room)


def _bars(column: ColumnProfile, longest: int) -> list[str]:
    filled = column.rows - column.nulls
    most = column.top[0][1]
    return [
        " ".join(
            [
                grid.fit(grid.one_line(str(value)), _VALUE_ROOM),
                *(["▇" * max(1, round(longest * count / most))] if longest else []),
                amounts.share(count, filled),
            ]
        )
        for value, count in column.top
    ]


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
