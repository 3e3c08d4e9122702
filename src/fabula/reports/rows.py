"""Rows of tables as text: the preview that people read in a terminal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from fabula.render import grid

CELL_ROOM = 40
"""Columns that one cell may take; longer values end in an ellipsis."""

_MOST_DECIMALS = 6
_MIDNIGHT = dt.time()
_NUMBERS = {
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64()),
}


def tables_text(tables: Mapping[str, pa.Table], *, room: int | None = None) -> str:
    """Tables one below the other, their names in the margin, numbers to the right.

    Args:
        tables: The rows of each table.
        room: Columns of the terminal; what does not fit alongside follows below.
    """
    names = {name: grid.one_line(name) for name in tables}
    margin = max(map(grid.width, names.values()), default=0) + len(grid.GAP)
    lines: list[str] = []
    for name, table in tables.items():
        labels = iter([names[name]])
        for block in _blocks(table, None if room is None else room - margin):
            lines += [grid.pad(next(labels, ""), margin) + line for line in block]
    return "\n".join(line.rstrip() for line in lines)


def _blocks(table: pa.Table, room: int | None) -> Iterator[list[str]]:
    """The table's lines, in as many blocks of columns as the room asks for."""
    columns = [_cells(name, table.column(at)) for at, name in enumerate(table.column_names)]
    sides = [_is_number(field.type) for field in table.schema]
    start, taken = 0, 0
    for at, cells in enumerate(columns):
        width = max(map(grid.width, cells)) + len(grid.GAP)
        if room is not None and at > start and taken + width > room:
            yield _lines(columns[start:at], sides[start:at])
            start, taken = at, 0
        taken += width
    if columns:
        yield _lines(columns[start:], sides[start:])


def _lines(columns: Sequence[Sequence[str]], sides: Sequence[bool]) -> list[str]:
    return grid.lines(list(zip(*columns, strict=True)), right=sides)


def _cells(name: str, column: pa.ChunkedArray[Any]) -> list[str]:
    """The column's name, then its values in one common form."""
    values = column.to_pylist()
    if any(isinstance(value, float) for value in values):
        shown = _floats(values)
    elif any(isinstance(value, dt.datetime) for value in values):
        shown = _moments(values)
    else:
        shown = [_plain(value) for value in values]
    return [grid.fit(grid.one_line(cell), CELL_ROOM) for cell in [name, *shown]]


def _floats(values: Sequence[float | None]) -> list[str]:
    """Floats with the same number of decimals, as many as the longest needs."""
    longest = 0
    for value in values:
        text = repr(value)
        if "e" not in text and "." in text:
            longest = max(longest, len(text.partition(".")[2]) * (not text.endswith(".0")))
    decimals = min(max(1, longest), _MOST_DECIMALS)
    return ["null" if value is None else _float(value, decimals) for value in values]


def _float(value: float, decimals: int) -> str:
    if value and not 10**-decimals <= abs(value) < 1e15:
        return f"{value:.4g}"
    return f"{value:.{decimals}f}"


def _moments(values: Sequence[dt.datetime | None]) -> list[str]:
    """Times without what none of them has: fractions of seconds, or a time of day."""
    filled = [value for value in values if value is not None]
    if all(value.time() == _MIDNIGHT for value in filled):
        return ["null" if value is None else str(value.date()) for value in values]
    exact = "seconds" if all(value.microsecond == 0 for value in filled) else "auto"
    return ["null" if value is None else value.isoformat(" ", exact) for value in values]


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _is_number(kind: pa.DataType) -> bool:
    return kind in _NUMBERS or pa.types.is_decimal(kind)
