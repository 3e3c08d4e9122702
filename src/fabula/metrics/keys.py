"""Primary and foreign keys found in tables: by their names, confirmed by all of their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from fabula.metrics.frames import as_labels
from fabula.metrics.names import name_words

_ENDINGS = ("id", "key", "code", "no", "uuid")
_KEYED = tuple((ending,) for ending in _ENDINGS)
_UPWARDS = {
    "parent", "manager", "boss", "reports", "supervisor", "mentor", "lead", "reply", "replies",
    "previous", "predecessor", "superior",
}  # fmt: skip
_WIDEST = 3
"""Most columns of a composite key that is looked for."""


@dataclass(frozen=True)
class ForeignKey:
    """Columns of `child` whose values are the primary key of a row of `parent`.

    Attributes:
        child: The table that points.
        columns: Its columns.
        parent: The table that is pointed at; may be the child itself.
        key: The parent's columns, in the same order.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """The pointing columns with their table: `orders.customer_id`."""
        return f"{self.child}.{'+'.join(self.columns)}"


@dataclass(frozen=True)
class Keys:
    """The keys of some tables.

    Attributes:
        primary: The columns of each table's primary key; a table without one is left out.
        foreign: The foreign keys.
    """

    primary: Mapping[str, tuple[str, ...]]
    foreign: tuple[ForeignKey, ...]

    def of(self, table: str) -> frozenset[str]:
        """The columns of a table that belong to its key or point at one."""
        pointing = {column for key in self.foreign if key.child == table for column in key.columns}
        return frozenset(pointing | set(self.primary.get(table, ())))


def find_keys(tables: Mapping[str, pa.Table], *, contained: float = 1.0) -> Keys:
    """Find the keys of some tables.

    Args:
        tables: The tables by name.
        contained: The least share of a foreign key's values that are keys of the parent.

    A primary key is complete, never repeats, and is named like one: `id`, `customer_id` or
    `CustomerID` in `customers`, else any column whose name ends in `id`, `key` or `code`; or the
    fewest foreign-key columns that identify a row together. A foreign key is named after the key
    that it points at (`customer_id`, `BillingCustomerId`) or, inside one table, after what it
    means (`manager_id`, `ReportsTo`), and its values are keys of the parent.
    """
    labels = _Labels(tables)
    primary = {name: key for name in tables if (key := _single(name, tables[name], labels))}
    foreign = list(_foreign(tables, primary, labels, contained))
    for name, table in tables.items():
        if name not in primary and (key := _composite(name, table, foreign)):
            primary[name] = key
    foreign += _composite_foreign(tables, primary, labels, contained)
    return Keys(primary, tuple(foreign))


class _Labels:
    """Columns as text, each converted once, so that keys of different types can be compared."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._tables = tables
        self._known: dict[tuple[str, str], pa.ChunkedArray] = {}

    def __call__(self, table: str, column: str) -> pa.ChunkedArray:
        at = (table, column)
        if at not in self._known:
            self._known[at] = as_labels(self._tables[table].column(column))
        return self._known[at]


def key_labels(table: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray:
    """The values of a key as text; missing where any part of it is."""
    return _together([as_labels(table.column(column)) for column in columns])


def singular(name: str) -> str:
    """`countries` as `country`, `boxes` as `box`, `orders` as `order`."""
    for ending, single in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("s", "")):
        if name.lower().endswith(ending) and not name.lower().endswith("ss"):
            return name[: -len(ending)] + single
    return name


def _stem(table: str) -> tuple[str, ...]:
    return name_words(singular(table))


def _holds_keys(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)  # whole numbers with gaps are floats in many files
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
    )


def _single(name: str, table: pa.Table, labels: _Labels) -> tuple[str, ...] | None:
    """The column that is named most like the table's key, never repeats and lacks nothing."""
    stem = _stem(name)
    best: list[tuple[int, int, str]] = []
    for place, column in enumerate(table.column_names):
        parts = name_words(column)
        if (
            not parts
            or parts[-1] not in _ENDINGS
            or not _holds_keys(table.schema.field(column).type)
        ):
            continue
        own = parts[:-1] in ((), stem, stem[-1:])
        values = labels(name, column)
        if len(values) and not values.null_count and _distinct(table, (column,)) == len(values):
            best.append((0 if own else 1, place, column))
    return (min(best)[2],) if best else None


def _foreign(
    tables: Mapping[str, pa.Table],
    primary: Mapping[str, tuple[str, ...]],
    labels: _Labels,
    contained: float,
) -> Iterator[ForeignKey]:
    for child, table in tables.items():
        for column in table.column_names:
            if not _holds_keys(table.schema.field(column).type):
                continue
            candidates = [
                (rank, parent)
                for parent, key in primary.items()
                if (child, column) != (parent, key[0])
                and not (primary.get(child) == (column,) and _names_own_key(child, column))
                and (rank := _likeness(child, column, parent, key[0]))
                and _contained(labels(child, column), labels(parent, key[0]), contained)
            ]
            if candidates:
                parent = max(candidates)[1]
                yield ForeignKey(child, (column,), parent, primary[parent])


def _names_own_key(table: str, column: str) -> bool:
    return name_words(column)[:-1] in ((), _stem(table))


def _likeness(child: str, column: str, parent: str, key: str) -> int:
    """How clearly a column is named after a parent's key; 0 if it is not."""
    parts, stem, own = name_words(column), _stem(parent), name_words(key)
    if not parts:
        return 0
    if child == parent:
        return 4 if _UPWARDS & set(parts) else 0
    if len(own) > 1 and parts == own:
        return 5
    named = stem if own == (parts[-1],) else own[:-1]
    if parts[-1] == own[-1] and parts[:-1][-len(named) :] == named:
        return 3 if parts[:-1] == named else 2
    return 1 if parts[:-1] == stem and parts[-1] in _ENDINGS else 0


def _composite(name: str, table: pa.Table, foreign: list[ForeignKey]) -> tuple[str, ...] | None:
    """The fewest columns, foreign keys or named like keys, that together never repeat."""
    pointing = {key.columns[0] for key in foreign if key.child == name}
    usable = [
        column
        for column in table.column_names
        if (column in pointing or name_words(column)[-1:] in _KEYED)
        and not table.column(column).null_count
    ]
    for width in range(2, _WIDEST + 1):
        for columns in combinations(usable, width):
            if table.num_rows and _distinct(table, columns) == table.num_rows:
                return columns
    return None


def _composite_foreign(
    tables: Mapping[str, pa.Table],
    primary: Mapping[str, tuple[str, ...]],
    labels: _Labels,
    contained: float,
) -> list[ForeignKey]:
    """Columns named exactly as another table's composite key, all of whose rows are there."""
    found = []
    for parent, key in primary.items():
        if len(key) < 2:
            continue
        there = _joined(parent, key, labels)
        for child, table in tables.items():
            if (
                child != parent
                and primary.get(child) != key
                and set(key) <= set(table.column_names)
                and _contained(_joined(child, key, labels), there, contained)
            ):
                found.append(ForeignKey(child, key, parent, key))
    return found


def _joined(table: str, columns: tuple[str, ...], labels: _Labels) -> pa.ChunkedArray:
    return _together([labels(table, column) for column in columns])


def _together(parts: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(*parts, pa.scalar("\x1f", pa.large_string()))


def _distinct(table: pa.Table, columns: tuple[str, ...]) -> int:
    return int(table.select(columns).group_by(list(columns)).aggregate([]).num_rows)


def _contained(values: pa.ChunkedArray, keys: pa.ChunkedArray, share: float) -> bool:
    filled = values.drop_null()
    if not len(filled):
        return False
    return bool(pc.mean(pc.is_in(filled, value_set=keys.combine_chunks())).as_py() >= share)
