"""Foreign keys that name what is there, once all tables of a schema are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fabula.databases.schema import Table


def linked(table: Table, tables: Mapping[str, Table], unread: list[str]) -> Table:
    """A table whose foreign keys name columns and tables that are there.

    Keys that leave their parent's columns out get those of its primary key; what leads to no
    table is added to `unread`.
    """
    links = []
    for link in table.foreign_keys:
        parent = _found(link.parent, tables)
        if parent is None:
            unread.append(
                f"{table.name}: a foreign key to `{link.parent}`, which is not among the tables"
            )
            continue
        columns = tables[parent].columns
        key = tuple(_found(name, columns) or name for name in link.key)
        own = tuple(_found(name, table.columns) or name for name in link.columns)
        links.append(
            replace(link, columns=own, parent=parent, key=key or tables[parent].primary_key)
        )
    key = tuple(_found(name, table.columns) or name for name in table.primary_key)
    return replace(table, foreign_keys=tuple(dict.fromkeys(links)), primary_key=key)


def _found(name: str, names: Mapping[str, object]) -> str | None:
    """A name among others, whatever its case."""
    if name in names:
        return name
    return next((other for other in names if other.lower() == name.lower()), None)
