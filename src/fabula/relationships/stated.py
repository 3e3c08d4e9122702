"""Keys as the source of the tables states them, and as names and values tell the others."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from fabula.io.stated_keys import stated_keys
from fabula.relationships.keys import CONTAINED, ForeignKey, Keys, find_keys


def known_keys(tables: Mapping[str, pa.Table], *, contained: float = CONTAINED) -> Keys:
    """The keys of some tables: those that their database states, and those that are found.

    What a database states counts before what was found. A foreign key that does not point at a
    primary key is left to be found.

    Args:
        tables: The tables by name.
        contained: See `find_keys`.
    """
    found = find_keys(tables, contained=contained)
    stated = {name: stated_keys(table) for name, table in tables.items()}
    primary = {
        **found.primary,
        **{name: key.primary for name, key in stated.items() if key.primary},
    }
    told = []
    for name, keys in stated.items():
        for columns, parent, key in keys.foreign:
            order = primary.get(parent, ())
            by_part = dict(zip(key or order, columns, strict=False))
            if order and set(by_part) == set(order):
                ordered = tuple(by_part[part] for part in order)
                told.append(ForeignKey(name, ordered, parent, order))
    taken = {(key.child, column) for key in told for column in key.columns}

    def is_free(key: ForeignKey) -> bool:
        return not any((key.child, column) in taken for column in key.columns)

    foreign = (*told, *filter(is_free, found.foreign))
    return Keys(primary, foreign, tuple(miss for miss in found.near if is_free(miss.key)))
