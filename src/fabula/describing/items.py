"""What is to be described: items of any form, with preferences of their own if they have any.

A table in any form gives one item a row, a JSON file one per line, whatever JSON is in it, and a
list one an entry. Another mapping is a single item.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabula.describing.preferences import (
    Preferences,
    PreferencesLike,
    as_mapping,
    preferences_of,
)
from fabula.errors import SourceError, UsageError, did_you_mean
from fabula.io.examples import plain_value
from fabula.io.formats import ENDINGS
from fabula.io.tables import as_table, is_tabular, row_mapping

_ITEM_KEYS = {"fields", "preferences"}


@dataclass(frozen=True)
class Item:
    """One thing to describe: its fields as given and as JSON has them, its preferences likewise."""

    fields: Any
    plain: Any
    given: Mapping[str, Any]
    preferences: Preferences


def read_items(
    data: Any,
    *,
    preferences: PreferencesLike | Sequence[PreferencesLike] = None,
    columns: Sequence[str] = (),
    preferences_column: str = "",
) -> list[Item]:
    """The items in what a caller passes: each as it is, or `{"fields": …, "preferences": …}`.

    Raises:
        SourceError: The data can't be read.
        UsageError: A column is not there, or preferences can't be read.
    """
    listed = _listed(data)
    _check_columns(listed, [*columns, *filter(None, [preferences_column])])
    items = [_split(item, preferences_column) for item in listed]
    common = _each(preferences, len(items))
    made = []
    for (fields, own), shared in zip(items, common, strict=True):
        given = {**shared, **own}
        chosen = {name: fields.get(name) for name in columns} if columns else fields
        made.append(Item(chosen, plain_value(chosen), given, preferences_of(given)))
    return made


def column_names(items: Sequence[Item]) -> list[str]:
    """The names that every item has; none if an item is not a mapping."""
    if not items or not all(isinstance(item.plain, Mapping) for item in items):
        return []
    common = set.intersection(*(set(item.plain) for item in items))
    return [name for name in items[0].plain if name in common]


def _listed(data: Any) -> list[Any]:
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        kind = ENDINGS.get(path.suffix.lower())
        if kind in ("json", "jsonl") and path.is_file():
            return _json_items(path, lines=kind == "jsonl")
        rows: list[dict[str, Any]] = as_table(path).to_pylist()
        return [_decoded(row) for row in rows] if _is_csv(path) else rows
    if isinstance(data, Mapping) and not is_tabular(data):
        return [data]
    if isinstance(data, Sequence):
        return [item if (row := row_mapping(item)) is None else row for item in data]
    listed: list[Any] = as_table(data).to_pylist()
    return listed


def _is_csv(path: Path) -> bool:
    """Whether cells of a file or folder are text, which holds lists and objects as JSON."""
    if path.is_dir():
        return any(map(_is_csv, (item for item in path.iterdir() if item.suffix)))
    ending = Path(path.stem).suffix or path.suffix
    return ENDINGS.get(ending.lower()) == "csv"


def _json_items(path: Path, *, lines: bool) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"`{path}` can't be read: {error}", code="source.unreadable", file=str(path)
        ) from error
    parts = list(enumerate(text.split("\n"), 1)) if lines else [(1, text)]
    items = []
    for line, part in parts:
        if not part.strip():
            continue
        try:
            items.append(json.loads(part))
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"line {line} of `{path}` is not JSON: {error}",
                code="source.bad-row",
                file=str(path),
                line=line,
            ) from error
    return items if lines or not items or not isinstance(items[0], list) else items[0]


def _decoded(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a CSV file, whose cells contain lists and objects as JSON text."""
    decoded = dict(row)
    for name, value in row.items():
        if isinstance(value, str) and value[:1] in ("[", "{"):
            try:
                decoded[name] = json.loads(value)
            except ValueError:
                continue  # a text that only begins like JSON
    return decoded


def _split(item: Any, column: str) -> tuple[Any, dict[str, Any]]:
    """An item's fields and its own preferences."""
    if not isinstance(item, Mapping):
        return item, {}
    if "fields" in item and set(item) <= _ITEM_KEYS:
        return item["fields"], as_mapping(item.get("preferences"))
    if column in item:
        rest = {name: value for name, value in item.items() if name != column}
        return rest, as_mapping(item[column])
    return item, {}


def _each(
    preferences: PreferencesLike | Sequence[PreferencesLike], items: int
) -> list[dict[str, Any]]:
    if not isinstance(preferences, Sequence) or isinstance(preferences, str):
        return [as_mapping(preferences)] * items
    if len(preferences) != items:
        raise UsageError(
            f"{len(preferences)} preferences are given for {items} items",
            code="usage.preferences",
            hint="give one mapping for all, or a list of one for each item",
        )
    return [as_mapping(each) for each in preferences]


def _check_columns(items: Sequence[Any], wanted: Sequence[str]) -> None:
    known = dict.fromkeys(name for item in items if isinstance(item, Mapping) for name in item)
    for name in wanted:
        if items and name not in known:
            raise UsageError(
                f"there is no column `{name}`",
                code="usage.unknown-column",
                hint=did_you_mean(name, known) or f"there are {', '.join(known) or 'no columns'}",
            )
