"""A script of SQL as a destination: tables, rows, keys and sequences in one transaction.

`shop.sql` is for PostgreSQL; `shop.mysql.sql`, `shop.sqlite.sql` and `shop.duckdb.sql` are for the
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fabula.databases.creating import add_foreign_key, create_table, keepable, numbered_key
from fabula.databases.types import TYPES
from fabula.databases.values import literal_rows, literals
from fabula.io.places import check_free, replacing

if TYPE_CHECKING:
    from fabula.io.destinations import Blocks, Incoming, Link, Loading

_ROWS = 500
_BEGIN = {
    "postgres": "BEGIN;\nSET LOCAL TIME ZONE 'UTC';\nSET LOCAL standard_conforming_strings = on;\n",
    "mysql": "SET sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES';\n"
    "SET time_zone = '+00:00';\nSTART TRANSACTION;\n",
    "sqlite": "PRAGMA foreign_keys = ON;\nBEGIN;\n",
    "duckdb": "BEGIN;\n",
}


@dataclass(frozen=True)
class _Dialect:
    """What of a dialect a script needs."""

    dialect: str

    @property
    def types(self) -> Mapping[str, str]:
        """Its column types."""
        return TYPES[self.dialect]

    def quoted(self, name: str) -> str:
        """A name as the database reads it."""
        mark = "`" if self.dialect == "mysql" else '"'
        return mark + name.replace(mark, mark * 2) + mark

    def named(self, table: str) -> str:
        """A table's name."""
        return self.quoted(table)


class ScriptSink:
    """A script that was named, ready to be written; with `append` it creates no tables."""

    def __init__(self, place: str, loading: Loading) -> None:
        self._path, self._loading = Path(place), loading
        named = Path(self._path.stem).suffix.lower()[1:]
        self._dialect = _Dialect(named if named in TYPES else "postgres")

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse a file that is there; see `Sink`.

        Raises:
            SinkError: It exists, or can't be written.
        """
        del tables
        check_free(self._path, overwrite=self._loading.overwrite)

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Write the script, whole or not at all; see `Sink`.

        Raises:
            SinkError: It can't be written.
        """
        self.check(tables)
        known = {table.name: table for table in tables}
        kept = {table.name: keepable(table, known, ()) for table in tables}
        with replacing(self._path) as temporary, temporary.open("wb") as file:
            for text in self._statements(tables, kept, rows):
                file.write(text.encode())
        lost = [
            f"no key in the script: {table.name} ({', '.join(link.columns)}) → {link.parent}"
            for table in tables
            for link in table.links
            if link not in kept[table.name]
        ]
        return {"lines": [*lost, f"a script for {self._dialect.dialect}, one transaction"]}

    def _statements(
        self, tables: Sequence[Incoming], kept: Mapping[str, list[Link]], rows: Blocks
    ) -> Iterator[str]:
        """The script's parts."""
        dialect, creates = self._dialect, not self._loading.append
        inside = dialect.dialect in ("sqlite", "duckdb")  # keys can't be added there later
        yield _BEGIN[dialect.dialect]
        for table in tables if creates else ():
            now = kept[table.name] if inside else ()
            yield f"{create_table(table, now, dialect)};\n"
        for table in tables:
            yield from self._inserts(table, rows(table.name))
        if creates and not inside:
            for table in tables:
                for link in kept[table.name]:
                    yield f"{add_foreign_key(table.name, link, dialect)};\n"
        for table in tables if dialect.dialect == "postgres" else ():
            key = numbered_key(table)
            if key is not None:
                name = dialect.named(table.name).replace("'", "''")
                column = key.replace("'", "''")
                yield (
                    f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), m) FROM (SELECT"
                    f" max({dialect.quoted(key)}) AS m FROM {dialect.named(table.name)}) AS t"
                    f" WHERE m IS NOT NULL AND pg_get_serial_sequence('{name}', '{column}')"
                    " IS NOT NULL;\n"
                )
        yield "COMMIT;\n"

    def _inserts(self, table: Incoming, blocks: Iterable[pa.Table]) -> Iterator[str]:
        """The rows of a table, some hundred a statement."""
        names = ", ".join(map(self._dialect.quoted, table.schema.names))
        head = f"INSERT INTO {self._dialect.named(table.name)} ({names}) VALUES\n"
        literal = partial(literals, dialect=self._dialect.dialect)
        for block in blocks:
            for start in range(0, block.num_rows, _ROWS):
                texts = literal_rows(block.slice(start, _ROWS), literal).to_pylist()
                yield head + ",\n".join(texts) + ";\n"
