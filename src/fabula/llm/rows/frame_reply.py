"""Reads frames in JSON: names of columns and a grid of values, by rows or by columns.

The orientation follows from the grid's shape, or else from the columns' types (a text column must
contain text). Ambiguous grids are rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fabula.llm.rows.names import match_names
from fabula.llm.rows.prompt_format import Reading

NAME_KEYS = ("column_names", "columns", "header", "headers", "names", "fields")
DATA_KEYS = ("data", "rows", "values")
Grid = Sequence[Sequence[Any]]
Fits = Callable[[Mapping[str, Any]], bool]


def read_frame(value: Any, names: Sequence[str], fits: Fits) -> Reading | None:
    """The rows of a frame, or None if the JSON value is not a frame.

    `fits` says whether a row's values have the types of their columns.
    """
    if not isinstance(value, Mapping):
        return None
    found = next((value[key] for key in NAME_KEYS if _is_names(value.get(key))), None)
    data = next((value[key] for key in DATA_KEYS if isinstance(value.get(key), list)), None)
    if found is not None and data is not None and not any(map(_is_object, data)):
        return _read_grid([str(name) for name in found], data, names, fits)
    return _read_columns(value, names, fits)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def _read_grid(
    found: Sequence[str], data: Sequence[Any], names: Sequence[str], fits: Fits
) -> Reading:
    matched = match_names(found, names)
    targets = [matched.get(name) for name in found]
    known = [target for target in targets if target]
    if len(set(found)) < len(found) or len(set(known)) < len(known):
        return Reading((), f"the frame names a column twice: {', '.join(found)}")
    if not data:
        return Reading((), "the frame is empty")
    notes = tuple(f"column `{name}` was not asked for" for name in found if name not in matched)
    notes += tuple(f"column `{name}` is missing" for name in names if name not in known)
    lines = [item for item in data if isinstance(item, list)]
    if len(lines) < len(data):
        return Reading((), "the frame's data is not a grid of values", notes=notes)

    def to_row(values: Sequence[Any]) -> dict[str, Any]:
        return {name: item for name, item in zip(targets, values, strict=True) if name}

    by_columns = _is_by_columns(lines, len(found), lambda values: fits(to_row(values)))
    if by_columns is None:
        return Reading((), "the frame is ambiguous: its grid reads by rows and by columns")
    if by_columns:
        rows = [to_row(values) for values in zip(*lines, strict=True)]
        return Reading(rows, notes=(*notes, "a frame by columns was transposed"))
    bad = [
        (str(values), f"row {place}: {len(values)} values for {len(found)} columns")
        for place, values in enumerate(lines, 1)
        if len(values) != len(found)
    ]
    rows = [to_row(values) for values in lines if len(values) == len(found)]
    return Reading(rows, bad=bad, notes=notes)


def _is_by_columns(lines: Grid, width: int, fits: Callable[[Sequence[Any]], bool]) -> bool | None:
    """True for a grid of columns, False for one of rows, None if both or neither are valid."""
    lengths = {len(values) for values in lines}
    if len(lines) != width or len(lengths) > 1:
        return False
    turned = list(zip(*lines, strict=True))
    columns_fit = bool(turned) and all(map(fits, turned))
    if lengths != {width}:
        return columns_fit
    rows_fit = all(map(fits, lines))
    return None if rows_fit == columns_fit else columns_fit


def _listed(column: Any) -> Any:
    """The values of a column written with row numbers, `{"0": "a", "1": "b"}`."""
    if isinstance(column, Mapping) and list(column) == [str(row) for row in range(len(column))]:
        return list(column.values())
    return column


def _read_columns(value: Mapping[str, Any], names: Sequence[str], fits: Fits) -> Reading | None:
    """An object of columns, `{"name": ["a", "b"], "price": [1, 2]}`."""
    matched = match_names([str(key) for key in value], names)
    columns = {target: _listed(value[name]) for name, target in matched.items()}
    if len(columns) < len(names) or not all(isinstance(item, list) for item in columns.values()):
        return None
    if fits({target: value[name] for name, target in matched.items()}):
        return None  # one row whose values are lists
    if len({len(items) for items in columns.values()}) > 1:
        return Reading((), "the frame's columns differ in length")
    rows = [dict(zip(columns, items, strict=True)) for items in zip(*columns.values(), strict=True)]
    if rows and not any(map(fits, rows)):
        return None  # more likely one row of lists that are not valid yet
    return Reading(rows, notes=("a frame by columns was transposed",))
