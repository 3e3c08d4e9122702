"""The tables that a load creates if they are missing, as statements of a dialect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from fabula.io.destinations import Incoming, Link


class Dialect(Protocol):
    """What of a dialect decides how a table is created."""

    @property
    def dialect(self) -> str:
        """Its name."""

    @property
    def types(self) -> Mapping[str, str]:
        """The column type of each kind of values."""

    def quoted(self, name: str) -> str:
        """A name as the database reads it."""
        ...

    def named(self, table: str) -> str:
        """A table's name, with its schema if it has one."""
        ...


def create_table(table: Incoming, links: Sequence[Link], dialect: Dialect) -> str:
    """The statement that creates a table, with those of its foreign keys that it can have now."""
    quoted = dialect.quoted
    numbered = numbered_key(table)
    short = {name for group in (table.key, *table.unique) for name in group}
    short |= {name for link in table.links for name in link.columns}
    lines = []
    for field in table.schema:
        kind = dialect.types["key"] if field.name == numbered else _type(field.type, dialect.types)
        if field.name in short and kind == dialect.types["text"]:
            kind = dialect.types.get("short", kind)
        full = " NOT NULL" if field.name in table.key and field.name != numbered else ""
        lines.append(f"{quoted(field.name)} {kind}{full}")
    if table.key:
        lines.append(f"PRIMARY KEY ({_listed(table.key, quoted)})")
    lines += [f"UNIQUE ({_listed(group, quoted)})" for group in table.unique if group != table.key]
    lines += [foreign_key(link, dialect) for link in links]
    return f"CREATE TABLE {dialect.named(table.name)} (\n    " + ",\n    ".join(lines) + "\n)"


def foreign_key(link: Link, dialect: Dialect) -> str:
    """A foreign key as a rule of its table."""
    deferred = " DEFERRABLE INITIALLY DEFERRED" if dialect.dialect == "sqlite" else ""
    return (
        f"FOREIGN KEY ({_listed(link.columns, dialect.quoted)}) REFERENCES"
        f" {dialect.named(link.parent)} ({_listed(link.key, dialect.quoted)}){deferred}"
    )


def add_foreign_key(table: str, link: Link, dialect: Dialect) -> str:
    """The statement that adds a foreign key to a table that is there."""
    return f"ALTER TABLE {dialect.named(table)} ADD {foreign_key(link, dialect)}"


def keepable(table: Incoming, tables: Mapping[str, Incoming], there: Collection[str]) -> list[Link]:
    """The foreign keys of a table whose parents are there, or come, and have such a key."""
    return [
        link
        for link in table.links
        if set(link.columns) <= set(table.schema.names)
        and (
            link.parent in there
            or (
                link.parent in tables
                and link.key in (tables[link.parent].key, *tables[link.parent].unique)
            )
        )
    ]


def numbered_key(table: Incoming) -> str | None:
    """The key that the database can number: whole numbers of its own."""
    if len(table.key) != 1 or table.key[0] not in table.schema.names:
        return None
    linked = {name for link in table.links for name in link.columns}
    whole = pa.types.is_integer(table.schema.field(table.key[0]).type)
    return table.key[0] if whole and table.key[0] not in linked else None


def _type(kind: pa.DataType, names: Mapping[str, str]) -> str:
    """The column type for values of an Arrow type."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return names["list"].format(of=_type(kind.value_type, names))
    if pa.types.is_decimal(kind):
        return names["decimal"].format(p=kind.precision, s=kind.scale)
    if pa.types.is_timestamp(kind):
        return names["timestamp" if kind.tz is None else "zoned"]
    if pa.types.is_uint64(kind):
        return names["uint64"]
    if pa.types.is_integer(kind):
        wide = kind.bit_width + 8 * pa.types.is_unsigned_integer(kind)
        return names["int16" if wide <= 16 else "int32" if wide <= 32 else "int64"]
    tests = (
        (pa.types.is_boolean, "bool"),
        (pa.types.is_floating, "float"),
        (pa.types.is_date, "date"),
        (pa.types.is_time, "time"),
        (pa.types.is_duration, "duration"),
        (pa.types.is_nested, "json"),
        (pa.types.is_binary, "binary"),
        (pa.types.is_large_binary, "binary"),
    )
    return names[next((name for test, name in tests if test(kind)), "text")]


def _listed(names: Sequence[str], quoted: Callable[[str], str]) -> str:
    return ", ".join(map(quoted, names))
