"""SQLite: a file with one writer; its definitions are in it as they were typed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from fabula.databases.base import Database, Key, Place
from fabula.databases.statements import Statement
from fabula.databases.streams import reader_of
from fabula.databases.types import TYPES
from fabula.databases.values import python_columns
from fabula.errors import SourceError

_DAY = "-".join(["[0-9]" * 4, "[0-9]" * 2, "[0-9]" * 2])
_DEFINED = """
SELECT type, tbl_name, sql FROM sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND type IN ('table', 'index', 'trigger')
ORDER BY type = 'trigger', type = 'index', rowid
"""


class SQLite(Database):
    """A database in a file of SQLite."""

    title = "SQLite"
    dialect = "sqlite"
    checks_at_end = True
    error = sqlite3.Error
    types = TYPES["sqlite"]

    def open(self) -> None:
        path = self.address.path
        if self._reads and not path.is_file():
            raise SourceError(
                f"there is no file `{path}`", code="source.missing", where=self.address.shown
            )
        mode = "ro" if self._reads else "rwc"
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)
        self.run("PRAGMA foreign_keys = ON")
        self.run("SELECT count(*) FROM sqlite_master")  # a file of another kind is refused here

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def statements(self) -> Iterator[Statement]:
        for kind, table, sql in self.run(_DEFINED):
            yield Statement(sql, f"{kind} of {table}" if kind != "table" else f"table {table}")

    def tables(self) -> list[str]:
        found = self.run(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY rowid"
        )
        return [str(name) for (name,) in found]

    def columns(self, table: str) -> dict[str, Place]:
        found = self.run(f"PRAGMA table_xinfo({self.quoted(table)})")
        keys = [name for _, name, _, _, _, key, _ in found if key]
        whole = {name for _, name, kind, *_ in found if str(kind).upper() == "INTEGER"}
        rowid = set(keys) & whole if len(keys) == 1 else set()
        return {
            name: Place(
                generated=hidden in (2, 3),
                required=bool(full) and default is None and name not in rowid and not hidden,
                nullable=not full,
                key=bool(key),
            )
            for _, name, _, full, default, key, hidden in found
        }

    def keys(self, table: str) -> list[Key]:
        found: dict[int, list[tuple[str, str, str | None]]] = {}
        for number, _, parent, column, key, *_ in self.run(
            f"PRAGMA foreign_key_list({self.quoted(table)})"
        ):
            found.setdefault(number, []).append((parent, column, key))
        return [
            Key(tuple(c for _, c, _ in parts), parts[0][0], tuple(k or "" for *_, k in parts), True)
            for parts in found.values()
        ]

    def batches(self, table: str) -> pa.RecordBatchReader:
        columns = [
            (str(name), str(kind))
            for _, name, kind, *_ in self.run(f"PRAGMA table_xinfo({self.quoted(table)})")
        ]
        held = ", ".join(
            f"group_concat(DISTINCT typeof({name})), sum({name} NOT GLOB '{_DAY}*'),"
            f" sum({name} NOT IN (0, 1))"
            for name, _ in ((self.quoted(name), kind) for name, kind in columns)
        )
        found = self.run(f"SELECT {held} FROM {self.quoted(table)}")[0]
        kinds = zip(columns, found[::3], found[1::3], found[2::3], strict=True)
        schema = pa.schema(
            [
                (name, _held_type(kind, held or "", undated=bool(undated), counted=bool(counted)))
                for (name, kind), held, undated, counted in kinds
            ]
        )
        names = ", ".join(self.quoted(name) for name, _ in columns)
        cursor = self._connection.execute(f"SELECT {names} FROM {self.quoted(table)}")
        return reader_of(cursor, schema)

    def insert(self, table: str, blocks: Iterable[pa.Table], places: Mapping[str, Place]) -> int:
        names = ", ".join(map(self.quoted, places))
        marks = ", ".join("?" * len(places))
        declared = self.run(f"PRAGMA table_xinfo({self.quoted(table)})")
        whole = [name for _, name, kind, *_ in declared if "INT" in str(kind).upper()]
        rows = 0
        for block in blocks:
            self._connection.executemany(
                f"INSERT INTO {self.quoted(table)} ({names}) VALUES ({marks})",
                zip(*python_columns(_counted(block, whole)), strict=True),
            )
            rows += block.num_rows
        return rows

    def begin(self) -> None:
        self.run("BEGIN IMMEDIATE")

    def defer(self) -> None:
        self.run("PRAGMA defer_foreign_keys = ON")


def _counted(block: pa.Table, whole: Iterable[str]) -> pa.Table:
    """Rows whose durations are microseconds in columns of whole numbers, as Django keeps them."""
    for name in whole:
        place = block.schema.get_field_index(name)
        if place >= 0 and pa.types.is_duration(block.schema.field(place).type):
            counted = block.column(place).cast(pa.duration("us"), safe=False).cast(pa.int64())
            block = block.set_column(place, name, counted)
    return block


def _held_type(declared: str, held: str, *, undated: bool, counted: bool) -> pa.DataType:
    """The type of values that a column contains, whatever it was declared as."""
    kinds = set(held.split(",")) - {"null", ""}
    if kinds == {"integer"} and not counted and re.search("BOOL", declared, re.I):
        return pa.bool_()
    if kinds <= {"integer"} and (kinds or "INT" in declared.upper()):
        return pa.int64()
    if kinds <= {"integer", "real"} and kinds:
        return pa.float64()
    if kinds == {"text"} and not undated and re.match("DATE|TIMESTAMP", declared, re.I):
        return pa.date32() if declared.upper() == "DATE" else pa.timestamp("us")
    return pa.binary() if kinds == {"blob"} else pa.string()
