"""Keys that the source of a table states, kept with the table as notes are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

_KEY = b"fabula.keys"


class StatedKey(NamedTuple):
    """A foreign key that a source states; without columns of the parent, its primary key."""

    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]


class StatedKeys(NamedTuple):
    """The primary key of a table and its foreign keys, as its source states them."""

    primary: tuple[str, ...] = ()
    foreign: tuple[StatedKey, ...] = ()


def with_stated_keys(schema: pa.Schema, keys: StatedKeys) -> pa.Schema:
    """The schema of a table with the keys that its source states."""
    return schema.with_metadata({**(schema.metadata or {}), _KEY: json.dumps(keys).encode()})


def stated_keys(table: pa.Table) -> StatedKeys:
    """The keys that stand with a table; only those whose columns it has."""
    try:
        primary, foreign = json.loads((table.schema.metadata or {}).get(_KEY, b"[[], []]"))
        stated = [StatedKey(tuple(own), parent, tuple(key)) for own, parent, key in foreign]
    except (ValueError, TypeError):
        return StatedKeys()

    def has(columns: Sequence[Any]) -> bool:
        return set(columns) <= set(table.column_names)

    return StatedKeys(
        tuple(primary) if has(primary) else (), tuple(key for key in stated if has(key.columns))
    )
