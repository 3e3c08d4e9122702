"""DuckDB: Arrow goes in and comes out as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from fabula.databases.base import Database, Key, Place
from fabula.databases.statements import Statement
from fabula.databases.types import TYPES
from fabula.databases.values import plain
from fabula.errors import SourceError
from fabula.io.sql import without_bar

_KEYS = """
SELECT constraint_column_names, referenced_table, referenced_column_names FROM duckdb_constraints()
WHERE constraint_type = 'FOREIGN KEY' AND table_name = ? AND schema_name = current_schema()
"""


class DuckDB(Database):
    """A database in a file of DuckDB."""

    title = "DuckDB"
    dialect = "duckdb"
    own_keys = False
    empties_in_copy = True
    error = duckdb.Error
    types = TYPES["duckdb"]

    def open(self) -> None:
        path = self.address.path
        if self._reads and not path.is_file():
            raise SourceError(
                f"there is no file `{path}`", code="source.missing", where=self.address.shown
            )
        self._connection = without_bar(
            duckdb.connect(
                str(path),
                read_only=self._reads,
                config={"enable_external_access": "false", "autoinstall_known_extensions": "false"},
            )
        )

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, list(values)).fetchall()

    def statements(self) -> Iterator[Statement]:
        tables = self.run(
            "SELECT table_name, sql, comment FROM duckdb_tables() WHERE NOT internal"
            " AND schema_name = current_schema() ORDER BY table_oid"
        )
        for table, sql, comment in tables:
            yield Statement(sql.rstrip(";"), f"table {table}")
            if comment:
                text = comment.replace("'", "''")
                yield Statement(f"COMMENT ON TABLE {self.quoted(table)} IS '{text}'", table)
        for table, sql in self.run(
            "SELECT table_name, sql FROM duckdb_indexes() WHERE is_unique AND sql IS NOT NULL"
        ):
            yield Statement(sql.rstrip(";"), f"index of {table}")

    def tables(self) -> list[str]:
        found = self.run(
            "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary"
            " AND schema_name = current_schema() ORDER BY table_oid"
        )
        return [str(name) for (name,) in found]

    def columns(self, table: str) -> dict[str, Place]:
        # Generated columns are told by the definition alone.
        (definition,) = self.run("SELECT sql FROM duckdb_tables() WHERE table_name = ?", [table])[0]
        found = self.run(
            "SELECT column_name, is_nullable, column_default, data_type FROM duckdb_columns()"
            " WHERE table_name = ? AND schema_name = current_schema() ORDER BY column_index",
            [table],
        )
        key = self.run(
            "SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type ="
            " 'PRIMARY KEY' AND table_name = ? AND schema_name = current_schema()",
            [table],
        )
        return {
            name: Place(
                generated=_is_generated(name, definition),
                required=not nullable and default is None,
                array=kind.endswith("]"),
                nullable=bool(nullable),
                key=any(name in names for (names,) in key),
            )
            for name, nullable, default, kind in found
        }

    def keys(self, table: str) -> list[Key]:
        return [
            Key(tuple(columns), parent, tuple(key))
            for columns, parent, key in self.run(_KEYS, [table])
        ]

    def batches(self, table: str) -> pa.RecordBatchReader:
        return self._connection.sql(f"SELECT * FROM {self.quoted(table)}").to_arrow_reader(65_536)

    def empty(self, tables: Sequence[str]) -> None:
        """Remove rows; DuckDB keeps deleted children until their transaction ends."""
        for table in reversed(tables):
            self.run(f"DELETE FROM {self.quoted(table)}")
            self.commit()
            self.begin()

    def insert(self, table: str, blocks: Iterable[pa.Table], places: Mapping[str, Place]) -> int:
        names = ", ".join(map(self.quoted, places))
        rows = 0
        for block in blocks:
            self._connection.register("fabula_block", plain(block))
            self.run(f"INSERT INTO {self.quoted(table)} ({names}) SELECT * FROM fabula_block")
            self._connection.unregister("fabula_block")
            rows += block.num_rows
        return rows


def _is_generated(column: str, definition: str) -> bool:
    name = re.escape(column)
    found = rf'[(,]\s*"?{name}"?\s+[^,(]*(\([^)]*\))?[^,(]*GENERATED ALWAYS'
    return re.search(found, definition, re.I) is not None
