"""Which columns point at which table: as a spec says it, or found by names and values.

Names are compared by their words, so `AlbumId`, `albumID` and `album_id` are one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from fabula.metrics.frames import as_labels
from fabula.spec.keys import Reference
from fabula.spec.tables import DatasetSpec

CONTAINED = 0.5
"""A column that is named like a foreign key is one if this share of its values are keys."""

LONGEST = 3
"""Columns of a composite key that is looked for."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_UPWARDS = "parent manager supervisor boss reports_to replies_to reply_to in_reply_to referred_by"
_OWN = frozenset(_UPWARDS.split()) | {"previous", "next", "predecessor", "successor", "mentor"}
"""What a column is called that points at another row of its own table, `_id` left out."""

_JOINT = "\x1f"


@dataclass(frozen=True)
class Relation:
    """A foreign key: `child.column` holds values of `parent.key`.

    Attributes:
        child: The table that points.
        column: Its column.
        parent: The table that is pointed at; the child itself in a hierarchy.
        key: The parent's column.
        more: Further columns of a composite key, with the parent's.
    """

    child: str
    column: str
    parent: str
    key: str
    more: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The foreign key's columns with their table."""
        return f"{self.child}.{'+'.join(self.columns)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The child's columns."""
        return (self.column, *(column for column, _ in self.more))

    @property
    def keys(self) -> tuple[str, ...]:
        """The parent's columns, in the same order."""
        return (self.key, *(key for _, key in self.more))


def relations_of(
    tables: Mapping[str, pa.Table], spec: DatasetSpec | None = None
) -> tuple[Relation, ...]:
    """The foreign keys of some tables.

    A spec says them. Without one, a column is a foreign key if it is named after another table
    (`customer_id`, for the key of `customers`) or exactly as another table's key and repeats, and
    at least half of its values are there. A key is a complete column without repetitions whose
    name is `id` or `key`, or ends in `_id` or `_key`. Two or three such columns that are unique
    only together are a composite key, which a table points at that has all of them and repeats
    them. A column such as `parent_id` or `reports_to` points at its own table. A foreign key of
    another name (`ship_via`) is not found.
    """
    if spec is not None:
        return tuple(_declared(tables, spec))
    labels = {
        (name, column): as_labels(table.column(column))
        for name, table in tables.items()
        for column in table.column_names
        if (_is_named_key(column) or _is_upwards(column, name))
        and _holds_keys(table.column(column))
    }
    unique = {at for at, values in labels.items() if _is_unique(values)}
    single = _single(labels, unique)
    return (*single, *_composite(labels, unique, single))


def key_labels(table: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray:
    """The values of a key as text; missing where any part of it is."""
    return _together([as_labels(table.column(column)) for column in columns])


def _declared(tables: Mapping[str, pa.Table], spec: DatasetSpec) -> Iterator[Relation]:
    for child, table in spec.tables.items():
        for name, column in table.columns.items():
            if not isinstance(column, Reference) or not {child, column.parent} <= set(tables):
                continue
            own_key = spec.tables[column.parent].key
            if key := column.parent_column or (own_key[0] if len(own_key) == 1 else None):
                yield Relation(child, name, column.parent, key)


Labels = Mapping[tuple[str, str], pa.ChunkedArray]
"""The columns that may be keys, as text, by table and name."""


def _single(labels: Labels, unique: set[tuple[str, str]]) -> list[Relation]:
    found = []
    for (child, column), values in labels.items():
        named = [at for at in unique if at[0] != child and _is_after(column, *at)]
        same = [at for at in unique if _words(at[1]) == _words(column) and not _is_short(column)]
        if (child, column) in unique:
            same = []
        own = [at for at in unique if at[0] == child] if _is_upwards(column, child) else []
        for parent, key in sorted(own) + sorted(named) + sorted(same):
            if (parent, key) != (child, column) and _contained(values, labels[parent, key]):
                found.append(Relation(child, column, parent, key))
                break
    return found


def _composite(
    labels: Labels, unique: set[tuple[str, str]], single: Sequence[Relation]
) -> Iterator[Relation]:
    """Foreign keys of several columns, to tables whose keys are of several columns."""
    complete = {at for at in set(labels) - unique if not labels[at].null_count}
    for parent in dict.fromkeys(table for table, _ in labels):
        names = [
            column for table, column in labels if table == parent and (table, column) in complete
        ]
        key = next(
            (
                chosen
                for size in range(2, LONGEST + 1)
                for chosen in combinations(names, size)
                if _is_unique(_together([labels[parent, column] for column in chosen]))
            ),
            None,
        )
        if key is None or any(table == parent for table, _ in unique):
            continue
        values = _together([labels[parent, column] for column in key])
        for child in dict.fromkeys(table for table, _ in labels if table != parent):
            mine = {_words(column): column for table, column in labels if table == child}
            columns = [mine.get(_words(column)) for column in key]
            there = [column for column in columns if column is not None]
            if len(there) < len(key) or any(
                r.child == child and r.parent == parent for r in single
            ):
                continue
            pointing = _together([labels[child, column] for column in there])
            if not _is_unique(pointing) and _contained(pointing, values):
                pairs = list(zip(there, key, strict=True))
                yield Relation(child, pairs[0][0], parent, pairs[0][1], tuple(pairs[1:]))


def _together(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    if len(columns) == 1:
        return columns[0]
    parts = [column.combine_chunks() for column in columns]
    return pa.chunked_array(
        [pc.binary_join_element_wise(*parts, pa.scalar(_JOINT, pa.large_string()))]
    )


def _words(name: str) -> str:
    """A name in lower case with its words apart."""
    return "_".join(word.lower() for word in _WORD.findall(name))


def _is_short(column: str) -> bool:
    return _words(column) in ("id", "key")


def _is_named_key(column: str) -> bool:
    return _is_short(column) or _words(column).endswith(("_id", "_key"))


def _stems(table: str) -> set[str]:
    """What one row of a table may be called."""
    name = _words(table)
    singular = name.removesuffix("ies") + "y" if name.endswith("ies") else name
    return {name, name.removesuffix("s"), name.removesuffix("es"), singular}


def _is_upwards(column: str, table: str) -> bool:
    """Whether a column is named as one that points at its own table: `parent_category_id`."""
    bare = _words(column).removesuffix("_id").removesuffix("_key")
    owned = {f"{word}_{stem}" for word in _OWN for stem in _stems(table)}
    return bare in _OWN or bare in owned


def _is_after(column: str, parent: str, key: str) -> bool:
    """Whether a column is named after a table and its key: `city_id` after `cities.id`."""
    owned = {f"{stem}_{ending}" for stem in _stems(parent) for ending in ("id", "key")}
    return _words(column) in owned and (_is_short(key) or _words(key) in owned)


def _holds_keys(values: pa.ChunkedArray) -> bool:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    # Whole numbers with gaps are floats in many files.
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
    )


def _is_unique(labels: pa.ChunkedArray) -> bool:
    return not labels.null_count and pc.count_distinct(labels).as_py() == len(labels) > 0


def _contained(labels: pa.ChunkedArray, keys: pa.ChunkedArray) -> bool:
    filled = labels.drop_null()
    share = pc.mean(pc.is_in(filled, value_set=keys.combine_chunks())).as_py()
    return share is not None and share >= CONTAINED
