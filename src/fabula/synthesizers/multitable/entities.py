"""Entities that have no table of their own, such as the users of a table of ratings.

Their identifiers become the key of a hidden table of one column, so that there are as many of them
as in the real tables, each with as many rows, and none has a real identifier.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa

from fabula.relationships.column_names import name_words
from fabula.relationships.key_names import IDS, measures_something, names_class, names_year
from fabula.relationships.key_values import KeyColumns, KeyValues, numbers_within
from fabula.relationships.keys import ForeignKey, Keys
from fabula.synthesizers.codecs.natural import MOST
from fabula.synthesizers.pii.persons import OF_PEOPLE

FEWEST = 20
"""Fewer different identifiers are labels."""

REPEATED = 1.2
"""Rows of each entity, at least on average."""


@dataclass(frozen=True)
class Entity:
    """An entity without a table of its own.

    Attributes:
        table: The hidden table that stands for it; its only column is called so, too.
        columns: The columns that hold its identifiers, as table and column.
        size: How many there are.
    """

    table: str
    columns: tuple[tuple[str, str], ...]
    size: int

    def __str__(self) -> str:
        where = " and ".join(f"{table}.{column}" for table, column in self.columns)
        return f"{self.size:,} different {where} without a table of their own"


def with_entities(
    tables: Mapping[str, pa.Table], keys: Keys, keep: Collection[str]
) -> tuple[dict[str, pa.Table], Keys, tuple[Entity, ...]]:
    """Tables with hidden ones for entities that have none, but for tables that stay as they are."""
    known = KeyColumns(tables)
    columns: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for table in (name for name in tables if name not in keep):
        taken = {column for key in keys.foreign if key.child == table for column in key.columns}
        primary = keys.primary.get(table, ())
        alone = set(primary) if len(primary) == 1 else set()
        for column in known.of(table):
            if column not in taken | alone and _is_entity(
                tables[table], column, primary, known, table
            ):
                sort = (name_words(column), known(table, column).numbers is None)
                columns.setdefault(sort, []).append((table, column))
    found, entities = dict(tables), []
    primary_of, foreign = dict(keys.primary), list(keys.foreign)
    for places in columns.values():
        name = places[0][1] if places[0][1] not in found else f"{places[0][1]} of {places[0][0]}"
        kind = tables[places[0][0]].schema.field(places[0][1]).type
        parts = [tables[table].column(column).drop_null().cast(kind) for table, column in places]
        values = pa.chunked_array([chunk for part in parts for chunk in part.chunks], kind)
        found[name] = pa.table({name: values.unique()})
        primary_of[name] = (name,)
        foreign += [ForeignKey(table, (column,), name, (name,)) for table, column in places]
        entities.append(Entity(name, tuple(places), found[name].num_rows))
    return found, Keys(primary_of, tuple(foreign), keys.near), tuple(entities)


def _is_entity(
    table: pa.Table, column: str, primary: tuple[str, ...], known: KeyColumns, name: str
) -> bool:
    """Whether a column identifies something that comes in several rows."""
    words = name_words(column)
    if not words or names_class(column) or names_year(column) or measures_something(column):
        return False
    values: KeyValues = known(name, column)
    size = len(values.distinct)
    filled = values.rows - values.labels.null_count
    if size < FEWEST or filled < REPEATED * size:
        return False
    rest = [part for part in primary if part != column]
    if rest and column in primary:
        if numbers_within(table, column, rest):
            return False
        if size >= MOST or values.are_random:
            return True
    named = words[-1] in IDS or words[-1] in OF_PEOPLE
    return values.are_random or (named and (values.numbers is not None or values.are_codes))
