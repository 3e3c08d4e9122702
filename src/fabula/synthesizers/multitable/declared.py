"""What a caller declares: foreign keys (`orders.buyer=people.id`), and sensitive columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

from fabula.errors import SourceError, UsageError, did_you_mean
from fabula.kinds.reference import Reference
from fabula.relationships.keys import ForeignKey, Keys
from fabula.spec.tables import DatasetSpec
from fabula.synthesizers.multitable.foreign_keys import Links


def keys_of_spec(spec: DatasetSpec) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The foreign keys and the primary keys that a spec states, as `with_declared` takes them."""
    foreign = {}
    for name, table in spec.tables.items():
        for column, kind in table.columns.items():
            if isinstance(kind, Reference) and kind.parent in spec.tables:
                held = table.pointing(column, spec.tables[kind.parent])
                foreign[f"{name}.{'+'.join(held)}"] = f"{kind.parent}.{'+'.join(held.values())}"
    return foreign, {name: table.key for name, table in spec.tables.items() if table.key}


def with_declared(
    found: Keys,
    declared: Mapping[str, str],
    tables: Mapping[str, pa.Table],
    primary: Mapping[str, tuple[str, ...]] | None = None,
) -> Keys:
    """Found keys with declared ones, `orders.buyer` to `people.id`; these count before found ones.

    Args:
        found: The keys that the tables' values tell.
        declared: Foreign keys.
        tables: The tables by name.
        primary: Primary keys.

    Raises:
        SourceError: A table does not exist.
        UsageError: A column does not exist, or the parent's columns are not its primary key.
    """
    foreign = {(key.child, key.columns): key for key in found.foreign}
    stated = dict(primary or {})
    for owner, key in stated.items():
        named_place(f"{owner}.{'+'.join(key)}", tables)
    primary = {**found.primary, **stated}
    for child, parent in declared.items():
        (table, columns), (owner, key) = named_place(child, tables), named_place(parent, tables)
        if len(columns) != len(key):
            raise UsageError(
                f"`{child}` names {len(columns)} columns and `{parent}` {len(key)}",
                code="usage.key",
                where=child,
                hint="name as many on both sides, joined by `+`: `payments.user+loan`",
            )
        primary.setdefault(owner, key)
        if primary[owner] != key:
            raise UsageError(
                f"`{parent}` is not the primary key of `{owner}`, which is"
                f" {', '.join(primary[owner])}",
                code="usage.not-a-key",
                where=parent,
            )
        foreign[table, columns] = ForeignKey(table, columns, owner, key)
    near = tuple(miss for miss in found.near if (miss.key.child, miss.key.columns) not in foreign)
    return Keys(primary, tuple(foreign.values()), near)


def named_place(place: str, tables: Mapping[str, pa.Table]) -> tuple[str, tuple[str, ...]]:
    """A table and its columns, written as `table.column` or `table.column+column`."""
    table, _, names = place.partition(".")
    demand(table, tables, "keys")
    there = tables[table].column_names
    columns = (names,) if names in there else tuple(names.split("+"))
    for column in columns:
        if column not in there:
            raise UsageError(
                f"table `{table}` has no column `{column}`",
                code="usage.unknown-column",
                where=place,
                hint=did_you_mean(column, there) or "",
            )
    return table, columns


def demand(table: str, tables: Mapping[str, pa.Table], where: str) -> None:
    """Raise a `SourceError` unless there is a table of that name."""
    if table not in tables:
        raise SourceError(
            f"`{where}` names the table `{table}`, which does not exist",
            code="source.missing-table",
            where=table,
            hint=did_you_mean(table, tables) or f"there are {', '.join(tables)}",
        )


def kept_links(name: str, links: Links, keep: Collection[str]) -> Links:
    """The links of a table that is kept as it is: none that is made."""
    for key in links.outward:
        if key.parent not in keep:
            raise UsageError(
                f"`{name}` can't be kept as it is while `{key.parent}`, which it points at, is"
                " newly generated",
                code="usage.keep",
                where=name,
                hint=f"keep `{key.parent}` too",
            )
    return Links(None)


def sensitive_columns(
    names: Collection[str], features: Mapping[str, pa.Table], tables: Mapping[str, pa.Table]
) -> dict[str, list[str]]:
    """Declared columns by table; keys are new anyway, and not in them.

    Args:
        names: As `column`, of all tables that have it, or `table.column`.
        features: The tables without their keys.
        tables: The tables by name.
    """
    found: dict[str, list[str]] = {}
    for place in names:
        there = [name for name, table in tables.items() if place in table.column_names]
        column = place
        if not there:
            (owner, (column, *_)) = named_place(place, tables)
            there = [owner]
        for name in there:
            if column in features[name].column_names:
                found.setdefault(name, []).append(column)
    return found
