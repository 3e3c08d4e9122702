"""Which columns point at which table, for measuring: as a spec says it, or found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from fabula.kinds.reference import Reference
from fabula.relationships.keys import ForeignKey, Keys
from fabula.relationships.stated import known_keys
from fabula.spec.tables import DatasetSpec

CONTAINED = 0.5
"""A column that is named like a foreign key is one if this share of its values are keys."""


def keys_of(tables: Mapping[str, pa.Table], spec: DatasetSpec | None = None) -> Keys:
    """The keys of some tables: as a spec says them, or found by names and values."""
    if spec is None:
        return known_keys(tables, contained=CONTAINED)
    primary = {name: table.key for name, table in spec.tables.items() if table.key}
    return Keys(primary, tuple(_declared(tables, spec)))


def _declared(tables: Mapping[str, pa.Table], spec: DatasetSpec) -> Iterator[ForeignKey]:
    for child, table in spec.tables.items():
        for name, column in table.columns.items():
            if not isinstance(column, Reference) or not {child, column.parent} <= set(tables):
                continue
            held = table.pointing(name, spec.tables[column.parent])
            if held:
                yield ForeignKey(child, tuple(held), column.parent, tuple(held.values()))
