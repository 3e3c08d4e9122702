"""The schema of a program's tables: keys, links, types and sizes as JSON, DDL and SQLite."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import SinkError
from fabula.io.places import replacing, sink_error
from fabula.kinds.base.sql import quoted
from fabula.kinds.reference import Reference
from fabula.spec.tables import DatasetSpec

ROWS_AT_ONCE = 50_000


def schema_of(
    spec: DatasetSpec, tables: Mapping[str, pa.Table], *, declared: bool
) -> dict[str, Any]:
    """Keys, links, types and numbers of rows as plain values.

    Keys and links are `declared` by the user, or guessed by names.
    """
    return {
        "declared": declared,
        "tables": {name: _table(spec, name, rows) for name, rows in tables.items()},
    }


def ddl(schema: Mapping[str, Any]) -> str:
    """`CREATE TABLE` statements for SQLite, parents first as far as there is no cycle."""
    tables = schema["tables"]
    return "\n".join(_create(name, tables[name]) for name in _parents_first(tables))


def write_sqlite(path: Path, schema: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    """Write the tables into one SQLite file, with keys and links; it appears whole or not at all.

    Raises:
        SinkError: The file can't be written, or the database refuses a row.
    """
    with replacing(path) as temporary:
        try:
            with closing(sqlite3.connect(temporary)) as database:
                database.execute("PRAGMA journal_mode=OFF")
                database.executescript(ddl(schema))
                for name, rows in tables.items():
                    places = ", ".join("?" for _ in rows.column_names)
                    insert = f"INSERT INTO {quoted(name)} VALUES ({places})"
                    for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE):
                        columns = [map(_value, column.to_pylist()) for column in batch.columns]
                        database.executemany(insert, zip(*columns, strict=True))
                database.commit()
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise sink_error(OSError(errno.ENOSPC, str(error)), path) from error
            raise SinkError(
                f"`{path}` can't be written: {error}", code="sink.failed", where=str(path)
            ) from error


def _table(spec: DatasetSpec, name: str, rows: pa.Table) -> dict[str, Any]:
    asked = spec.tables[name]
    links = [
        {"column": column, "table": kind.parent, "references": _target(spec, kind)}
        for column, kind in asked.columns.items()
        if isinstance(kind, Reference) and column in rows.column_names
    ]
    return {
        "rows": rows.num_rows,
        "primary_key": [column for column in asked.key if column in rows.column_names],
        "unique": [list(group) for group in asked.unique],
        "foreign_keys": links,
        "columns": {field.name: str(field.type) for field in rows.schema},
        "nullable": [column for column in rows.column_names if rows.column(column).null_count],
    }


def _target(spec: DatasetSpec, link: Reference) -> str | None:
    """The parent's column that a link means."""
    parent = spec.tables.get(link.parent)
    return link.parent_column or (parent.key[0] if parent and parent.key else None)


def _create(name: str, table: Mapping[str, Any]) -> str:
    missing, key = table["nullable"], table["primary_key"]
    parts = [
        f"{quoted(column)} {_sql_type(kind)}{'' if column in missing else ' NOT NULL'}"
        for column, kind in table["columns"].items()
    ]
    if key:
        parts.append(f"PRIMARY KEY ({', '.join(map(quoted, key))})")
    parts += [f"UNIQUE ({', '.join(map(quoted, group))})" for group in table["unique"]]
    parts += [
        f"FOREIGN KEY ({quoted(link['column'])}) REFERENCES {quoted(link['table'])}"
        f" ({quoted(link['references'])})"
        for link in table["foreign_keys"]
        if link["references"]
    ]
    inside = ",\n".join(f"    {part}" for part in parts)
    return f"CREATE TABLE {quoted(name)} (\n{inside}\n);\n"


def _parents_first(tables: Mapping[str, Any]) -> Iterator[str]:
    left = list(tables)
    while left:
        ready = next((name for name in left if not _waits(name, tables, left)), left[0])
        left.remove(ready)
        yield ready


def _waits(name: str, tables: Mapping[str, Any], left: list[str]) -> bool:
    links = tables[name]["foreign_keys"]
    return any(link["table"] in left and link["table"] != name for link in links)


def _sql_type(kind: str) -> str:
    if kind.startswith(("int", "uint", "bool")):
        return "INTEGER"
    if kind.startswith(("float", "double", "half", "decimal")):
        return "REAL"
    return "TEXT"


def _value(value: Any) -> Any:
    """A value as SQLite takes it; what it has no type for, or no room, becomes text."""
    if isinstance(value, int) and value >= 2**63:
        return str(value)
    if value is None or isinstance(value, int | float | str):
        return value
    return str(value)
