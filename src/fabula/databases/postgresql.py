"""PostgreSQL: rows go in by COPY, and its catalogue tells what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa

from fabula.databases.base import STAGED, Database, Key, Place
from fabula.databases.catalogue import definitions
from fabula.databases.statements import Statement
from fabula.databases.types import TYPES
from fabula.databases.values import copied

_COLUMNS = """
SELECT a.attname, a.attgenerated <> '', a.attnotnull,
       a.atthasdef OR a.attidentity <> '', t.typcategory = 'A' OR b.typcategory = 'A',
       EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
               AND a.attnum = ANY(i.indkey))
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_KEYS = """
SELECT c.condeferrable, p.relname,
       (SELECT array_agg(a.attname::text ORDER BY x.place) FROM unnest(c.conkey) WITH ORDINALITY
        AS x(number, place) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = x.number),
       (SELECT array_agg(a.attname::text ORDER BY x.place) FROM unnest(c.confkey) WITH ORDINALITY
        AS x(number, place) JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = x.number)
FROM pg_constraint c JOIN pg_class p ON p.oid = c.confrelid
WHERE c.contype = 'f' AND c.conrelid = %s::regclass
"""
_SEQUENCES = """
SELECT a.attname, pg_get_serial_sequence(%s, a.attname)
FROM pg_attribute a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND pg_get_serial_sequence(%s, a.attname) IS NOT NULL
"""
_TAKEN_AWAY = """
SELECT 'ALTER TABLE ' || c.conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(c.conname),
       'ALTER TABLE ' || c.conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(c.conname)
       || ' ' || pg_get_constraintdef(c.oid)
FROM pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0
  AND (c.conrelid = ANY(%s::regclass[]) OR c.confrelid = ANY(%s::regclass[]))
UNION ALL
SELECT 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisunique AND NOT i.indisprimary
  AND NOT i.indisexclusion AND NOT r.relispartition
"""


class PostgreSQL(Database):
    """A database of PostgreSQL."""

    title = "PostgreSQL"
    dialect = "postgres"
    later_keys = True
    error = psycopg.Error
    types = TYPES["postgres"]

    def open(self) -> None:
        query = {name: value for name, value in self.address.query.items() if name != "schema"}
        address = type(self.address)(**{**vars(self.address), "query": query})
        self._connection = psycopg.connect(
            address.uri,
            autocommit=True,
            client_encoding="UTF8",
            connect_timeout=int(query.get("connect_timeout", 20)),
            application_name="fabula",
        )
        self.run("SET TIME ZONE 'UTC'")
        wanted = self.address.query.get("schema")
        if wanted:
            self.run(f"SET search_path TO {self.quoted(wanted)}, public")
        self.schema = wanted or str(self.run("SELECT coalesce(current_schema(), 'public')")[0][0])

    def close(self) -> None:
        self._connection.close()

    @property
    def host(self) -> str:
        """The address that the connection leads to; empty for a socket of this machine."""
        info = self._connection.info
        return "" if info.host.startswith("/") else (info.hostaddr or info.host)

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(sql.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def statements(self) -> Iterator[Statement]:
        return definitions(self.run, self.schema)

    def tables(self) -> list[str]:
        found = self.run(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = %s::regnamespace ORDER BY oid",
            [self.quoted(self.schema)],
        )
        return [str(name) for (name,) in found]

    def columns(self, table: str) -> dict[str, Place]:
        return {
            name: Place(made, bool(full and not filled and not made), bool(array), not full, key)
            for name, made, full, filled, array, key in self.run(_COLUMNS, [self.named(table)])
        }

    def keys(self, table: str) -> list[Key]:
        return [
            Key(tuple(columns), parent, tuple(key), deferrable)
            for deferrable, parent, columns, key in self.run(_KEYS, [self.named(table)])
        ]

    def batches(self, table: str) -> pa.RecordBatchReader:
        from fabula.databases.copying import copied_rows

        return copied_rows(self._connection, self.named(table))

    def insert(self, table: str, blocks: Iterable[pa.Table], places: Mapping[str, Place]) -> int:
        names = ", ".join(map(self.quoted, places))
        command = f"COPY {self.named(table)} ({names}) FROM STDIN (FORMAT csv)"
        rows = 0
        with self._connection.cursor() as cursor, cursor.copy(command.encode()) as copy:
            for block in blocks:
                copy.write(copied(block, places))
                rows += block.num_rows
        return rows

    def defer(self) -> None:
        self.run("SET CONSTRAINTS ALL DEFERRED")

    def empty(self, tables: Sequence[str]) -> None:
        if tables:
            self.run(f"TRUNCATE {', '.join(map(self.named, tables))} RESTART IDENTITY")

    def advance(self, table: str) -> int:
        name = self.named(table)
        found = self.run(_SEQUENCES, [name, name, name])
        for column, sequence in found:
            # `setval` is not rolled back, so it may only ever raise a sequence.
            self.run(
                f"SELECT setval(%s::regclass, m) FROM (SELECT max({self.quoted(column)}) AS m FROM"
                f" {name}) AS t WHERE m > coalesce((SELECT last_value FROM pg_sequences WHERE"
                " %s::regclass = (quote_ident(schemaname) || '.' || quote_ident(sequencename))"
                "::regclass), 0)",
                [sequence, sequence],
            )
        return len(found)

    @contextmanager
    def fast(self, tables: Sequence[str]) -> Iterator[list[str]]:
        names = [self.named(table) for table in tables]
        found = self.run(_TAKEN_AWAY, [names, names, names])
        for away, _ in found:
            self.run(away)
        yield [f"{len(found)} foreign keys and indexes taken away, added again and proved"]
        for _, again in sorted(found, key=lambda pair: "FOREIGN KEY" in pair[1]):
            self.run(again)

    def named(self, table: str) -> str:
        schema = "pg_temp" if table == STAGED else self.schema
        return f"{self.quoted(schema)}.{self.quoted(table)}"
