"""Finds the rows inside a JSON value, in any wrapper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fabula.llm.json_schema.reading import CutObject, unwrapped_json
from fabula.llm.rows.names import match_names

_CALL_KEYS = ("arguments", "parameters", "input")


def row_items(value: Any, names: Sequence[str], *, scalars: bool = False) -> list[Any]:
    """The rows inside a JSON value, in any wrapper.

    With `scalars`, a list of plain values may be the rows of a single field.
    """
    if isinstance(value, Mapping):
        return _items_of_object(value, names)
    if not isinstance(value, list):
        return []
    if value and all(isinstance(item, list) for item in value):
        nested = [item for inner in value for item in inner]
        if all(isinstance(item, Mapping) for item in nested):
            return nested
    if len(names) == 1 and scalars:
        return [item if isinstance(item, Mapping) else {names[0]: item} for item in value]
    rows: list[Any] = []
    for item in map(unwrapped_json, value):
        if isinstance(item, Mapping):  # a row, or one of several wrappers
            rows += [item] if _is_row(item, names) else row_items(item, names) or [item]
    return rows


def _items_of_object(value: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    for key in _CALL_KEYS:  # a tool call written as text
        if key in value and key not in names:
            found = unwrapped_json(value[key])
            if isinstance(found, Mapping | list):
                return row_items(found, names)
    members = [item if key in names else unwrapped_json(item) for key, item in value.items()]
    lists = [
        item
        for item in members
        if isinstance(item, list) and any(_is_row(unwrapped_json(each), names) for each in item)
    ]
    if lists:
        return row_items(max(lists, key=len), names)
    if _is_row(value, names):
        return [] if isinstance(value, CutObject) else [value]
    nested = [item for item in members if isinstance(item, Mapping)]
    if nested:
        return [row for item in nested for row in row_items(item, names)]
    unknown = [item for item in members if isinstance(item, list)]
    if len(unknown) == 1:
        return row_items(unknown[0], names)
    return [] if isinstance(value, CutObject) or not value or unknown else [value]


def _is_row(value: Any, names: Sequence[str]) -> bool:
    if not isinstance(value, Mapping):
        return False
    if any(name in value for name in names):
        return True
    return bool(match_names([str(key) for key in value], names))
