"""Reads the reply to a row whose one field is a list, whatever wrapper the model chose.

`[…]`, `{"objects": […]}`, `{"actors": […]}`, one bare object, and one object per line are all the
same list. A reply that could be two different lists is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fabula.llm.json_schema.dialect import resolved
from fabula.llm.json_schema.reading import Piece, is_cut, unwrapped_json
from fabula.llm.rows.job import RowField
from fabula.llm.rows.names import match_names
from fabula.llm.rows.prompt_format import Reading

Fits = Callable[[Mapping[str, Any]], bool]


class ListReader:
    """Reads the list of one field.

    Args:
        field: The field; its schema is an array's.
        fits: Whether a row has the types of its fields.
    """

    def __init__(self, field: RowField, fits: Fits) -> None:
        self._name = field.name
        self._names = _names_of_items(field.schema)
        self._fits = fits

    @property
    def keys(self) -> list[str]:
        """The names in a reply: those of the items, else the list's own."""
        return self._names or [self._name]

    def read(self, text: str, pieces: Sequence[Piece]) -> Reading | None:
        """The last list of a reply as its one row, or None if there is none."""
        found: Any = None
        place = 0
        for piece in pieces:
            between = text[place : piece.start].strip(" \r\n,")
            is_whole = not (is_cut(piece.value) or set("{[") & set(between))
            value = self._list_in(piece.value) if is_whole else None
            joins = isinstance(piece.value, Mapping) and not between
            if value is not None and found is not None and joins and self._is_item(piece.value):
                found = [*found, *value]  # one object per line
            elif value is not None and (found is None or self._reads(value)):
                found = value
            place = piece.end
        return None if found is None else Reading(({self._name: found},))

    def _reads(self, value: list[Any]) -> bool:
        return self._fits({self._name: value})

    def _list_in(self, value: Any) -> list[Any] | None:
        value = unwrapped_json(value)
        if isinstance(value, list):
            items = [unwrapped_json(item) for item in value] if self._names else value
            if items and all(isinstance(item, Mapping) and self._name in item for item in items):
                parts = [self._list_in(item) for item in items]
                return [item for part in parts for item in part or ()]
            return items
        if not isinstance(value, Mapping):
            return None
        matched = match_names(map(str, value), [self._name])
        if matched:
            return self._list_in(value[next(iter(matched))])
        within = [unwrapped_json(item) for item in value.values()]
        lists = [item for item in within if isinstance(item, list)]
        inner = self._list_in(lists[0]) if len(lists) == 1 else None
        if self._is_item(value) and (not inner or self._reads([value]) or not self._reads(inner)):
            return [value]
        if inner is None and len(within) == 1:
            return self._list_in(within[0])
        return inner

    def _is_item(self, value: Mapping[str, Any]) -> bool:
        return bool(match_names(map(str, value), self._names))


def _names_of_items(schema: Mapping[str, Any]) -> list[str]:
    items = schema.get("items")
    return list(resolved(items, schema).get("properties", ())) if isinstance(items, Mapping) else []
