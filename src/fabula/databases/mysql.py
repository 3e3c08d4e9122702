"""MySQL and MariaDB: rows go in by INSERT of many rows, whose text is made from whole columns."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pyarrow as pa
import pymysql
import pymysql.cursors

from fabula.databases.base import Database, Key, Place
from fabula.databases.statements import Statement
from fabula.databases.streams import reader_of
from fabula.databases.types import TYPES
from fabula.databases.values import literal_rows, literals, refuse_infinite
from fabula.errors import SinkError

_ROWS = 2_000
_MARK = "fabula load, not committed: "
_MARKED = f"""
SELECT TABLE_COMMENT, TABLE_NAME FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_COMMENT LIKE '{_MARK}%' ORDER BY TABLE_NAME
"""
_PATIENCE = 10
_COLUMNS = """
SELECT COLUMN_NAME, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLUMN_KEY FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION
"""
_KEYS = """
SELECT CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s
  AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION
"""
_TYPES = """
SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s
ORDER BY ORDINAL_POSITION
"""
_ARROW = {
    "tinyint": pa.int64(),
    "smallint": pa.int64(),
    "mediumint": pa.int64(),
    "int": pa.int64(),
    "bigint": pa.int64(),
    "year": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", "UTC"),
    "time": pa.duration("us"),
    "binary": pa.binary(),
    "varbinary": pa.binary(),
    "bit": pa.binary(),
    "tinyblob": pa.binary(),
    "blob": pa.binary(),
    "mediumblob": pa.binary(),
    "longblob": pa.binary(),
}


class MySQL(Database):
    """A database of MySQL or MariaDB."""

    title = "MySQL"
    dialect = "mysql"
    keys_first = True
    checks_each_row = True
    error = pymysql.Error
    types = TYPES["mysql"]
    _mark: str | None = None
    """What the tables carry that this load has created."""

    def open(self) -> None:
        host, port = self.address.host_and_port(3306)
        self._connection = pymysql.connect(
            host=host,
            port=port,
            user=self.address.user or None,
            password=self.address.password,
            database=self.address.name,
            unix_socket=self.address.query.get("unix_socket"),
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=int(self.address.query.get("connect_timeout", 20)),
            ssl_disabled=True if not self.address.remote_hosts() else None,
        )
        mode = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_BACKSLASH_ESCAPES"
        self.run(
            f"SET SESSION sql_mode = '{mode},NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'"
        )
        self.run("SET SESSION time_zone = '+00:00'")

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(values) or None)
            return list(cursor.fetchall())

    def statements(self) -> Iterator[Statement]:
        for table in self.tables():
            _, sql = self.run(f"SHOW CREATE TABLE {self.quoted(table)}")[0]
            yield Statement(sql, f"table {table}")
        found = self.run(
            "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS"
            " WHERE TRIGGER_SCHEMA = DATABASE()"
        )
        for name, table in found:
            text = f"CREATE TRIGGER {self.quoted(name)} ON {self.quoted(table)}"
            yield Statement(text, f"table {table}")

    def tables(self) -> list[str]:
        found = self.run(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            " AND TABLE_TYPE = 'BASE TABLE' ORDER BY CREATE_TIME, TABLE_NAME"
        )
        unfinished = set(self._unfinished())
        return [str(name) for (name,) in found if name not in unfinished]

    def columns(self, table: str) -> dict[str, Place]:
        return {
            name: Place(
                generated="GENERATED" in extra.upper() and "DEFAULT_GENERATED" not in extra.upper(),
                required=nullable == "NO" and default is None and "auto_increment" not in extra,
                nullable=nullable == "YES",
                key=key == "PRI",
            )
            for name, nullable, default, extra, key in self.run(_COLUMNS, [table])
        }

    def keys(self, table: str) -> list[Key]:
        found: dict[str, list[tuple[str, str, str]]] = {}
        for name, column, parent, key in self.run(_KEYS, [table]):
            found.setdefault(name, []).append((column, parent, key))
        return [
            Key(tuple(c for c, _, _ in parts), parts[0][1], tuple(k for *_, k in parts))
            for parts in found.values()
        ]

    def batches(self, table: str) -> pa.RecordBatchReader:
        fields = []
        for name, kind, full, precision, scale in self.run(_TYPES, [table]):
            arrow = _ARROW.get(kind, pa.string())
            if kind == "decimal":
                arrow = pa.decimal128(precision, scale) if precision <= 38 else pa.float64()
            elif full == "tinyint(1)" and not self._counts(table, name):
                arrow = pa.bool_()
            elif kind == "bigint" and "unsigned" in full:
                arrow = pa.uint64()
            fields.append((name, arrow))
        cursor = self._connection.cursor(pymysql.cursors.SSCursor)
        names = ", ".join(self.quoted(name) for name, _ in fields)
        cursor.execute(f"SELECT {names} FROM {self.quoted(table)}")
        return reader_of(cursor, pa.schema(fields))

    def _counts(self, table: str, column: str) -> bool:
        """Whether a column that is declared like truth values holds other numbers."""
        name = self.quoted(column)
        sql = f"SELECT 1 FROM {self.quoted(table)} WHERE {name} NOT IN (0, 1) LIMIT 1"
        return bool(self.run(sql))

    def insert(self, table: str, blocks: Iterable[pa.Table], places: Mapping[str, Place]) -> int:
        names = ", ".join(map(self.quoted, places))
        head = f"INSERT INTO {self.quoted(table)} ({names}) VALUES ".encode()
        rows = 0
        for block in blocks:
            refuse_infinite(block, self.title)
            for start in range(0, block.num_rows, _ROWS):
                part = block.slice(start, _ROWS)
                texts = literal_rows(part, partial(literals, dialect=self.dialect)).to_pylist()
                with self._connection.cursor() as cursor:
                    cursor.execute(head + ",".join(texts).encode())
            rows += block.num_rows
        return rows

    def empty(self, tables: Sequence[str]) -> None:
        """Remove rows; keys inside the tables are blanked first, since each row is checked."""
        for table in tables:
            places = self.columns(table)
            for key in self.keys(table):
                if key.parent in tables and all(places[name].nullable for name in key.columns):
                    gaps = ", ".join(f"{self.quoted(name)} = NULL" for name in key.columns)
                    self.run(f"UPDATE {self.quoted(table)} SET {gaps}")
        super().empty(tables)

    # Creating a table commits it. So the tables of a load carry a mark until the load is committed,
    # and the load holds a lock named like the mark: a mark without its lock is a load that died.

    def begin(self) -> None:
        self.run("START TRANSACTION")

    def create(self, sql: str) -> None:
        if self._mark is None:
            self._mark = f"{_MARK}{secrets.token_hex(8)}"
            self._owns(self._mark)
        self.run(f"{sql} COMMENT = '{self._mark}'")

    def created(self) -> None:
        """Start the transaction again, which creating a table has committed."""
        self.begin()

    def commit(self) -> None:
        super().commit()
        mark, self._mark = self._mark, None
        with suppress(self.error):  # the next load takes the mark away
            self._finish(self._marked().get(mark or "", ()))

    def rollback(self, created: Sequence[str]) -> None:
        super().rollback(created)
        if self._mark is not None:
            self._drop(self._marked().get(self._mark, ()))

    def clear_unfinished(self, names: Sequence[str]) -> list[str]:
        cleared: list[str] = []
        wanted = {name.lower() for name in names}
        for mark, tables in self._marked().items():
            if not self._owns(mark, _PATIENCE):
                if taken := [name for name in tables if name.lower() in wanted]:
                    raise SinkError(
                        f"another load is creating table {taken[0]}",
                        code="sink.busy",
                        where=f"{self.address.shown} {taken[0]}",
                        hint="wait until it is done; then --append adds rows to its tables",
                    )
                continue
            if self._filled(tables):
                self._finish(tables)
            else:
                self._drop(tables)
                cleared += tables
            self.run("SELECT RELEASE_LOCK(%s)", [mark])
        return cleared

    def _unfinished(self) -> list[str]:
        """The tables of loads that died before they were committed."""
        return [
            name
            for mark, tables in self._marked().items()
            if self.run("SELECT IS_FREE_LOCK(%s)", [mark]) == [(1,)] and not self._filled(tables)
            for name in tables
        ]

    def _marked(self) -> dict[str, list[str]]:
        """The tables that carry a mark, by it."""
        found: dict[str, list[str]] = {}
        for mark, name in self.run(_MARKED):
            found.setdefault(mark, []).append(name)
        return found

    def _filled(self, tables: Sequence[str]) -> bool:
        """Whether a load whose tables carry a mark was committed: all its rows come at once."""
        some = " UNION ALL ".join(f"(SELECT 1 FROM {self.quoted(t)} LIMIT 1)" for t in tables)
        return bool(self.run(some))

    def _owns(self, mark: str, seconds: int = 0) -> bool:
        return self.run("SELECT GET_LOCK(%s, %s)", [mark, seconds]) == [(1,)]

    def _finish(self, tables: Sequence[str]) -> None:
        for table in tables:
            self.run(f"ALTER TABLE {self.quoted(table)} COMMENT = ''")

    def _drop(self, tables: Sequence[str]) -> None:
        self.run("SET SESSION foreign_key_checks = 0")
        for table in tables:
            self.run(f"DROP TABLE {self.quoted(table)}")
        self.run("SET SESSION foreign_key_checks = 1")

    def update_sql(
        self, table: str, columns: Sequence[str], key: Sequence[str], staged: str
    ) -> str:
        changes = ", ".join(f"t.{self.quoted(n)} = s.{self.quoted(n)}" for n in columns)
        same = " AND ".join(f"t.{self.quoted(n)} = s.{self.quoted(n)}" for n in key)
        return f"UPDATE {self.named(table)} AS t JOIN {staged} AS s ON {same} SET {changes}"

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"
