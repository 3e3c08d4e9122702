"""The rows of one table, a page at a time, if they are: in a file of any size, or in memory."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import duckdb
import pyarrow as pa

from fabula.errors import SourceError, UsageError
from fabula.io.read import TableRows
from fabula.io.sql import without_bar
from fabula.kinds.base.sql import quoted
from fabula.reports.profile import TableProfile, open_view, profile_rows
from fabula.web.query import PAGE_ROWS, Query, contains

_LIMITS: dict[str, str | int] = {"memory_limit": "128MB", "threads": 2}
_ONE_BY_ONE = {**_LIMITS, "threads": 1}
"""For passes over whole tables: each thread holds a part of the table."""
_KEPT = 32
"""Searches whose number of rows is remembered, and orders whose first rows are."""
_SORTED = 10 * PAGE_ROWS
"""Rows that are found at once when a table is sorted, so that the next pages take no sort."""


_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
             "UINTEGER", "UBIGINT", "UHUGEINT")  # fmt: skip
_NUMBERS = (*_INTEGERS, "DECIMAL", "FLOAT", "DOUBLE")
_DIGITS = frozenset("0123456789")
_SIGNS = {
    **dict.fromkeys(_INTEGERS, _DIGITS | {"-"}),
    "DECIMAL": _DIGITS | {"-", "."},
    **dict.fromkeys(("FLOAT", "DOUBLE"), _DIGITS | set("-+.einfa")),  # also `inf` and `nan`
    "BOOLEAN": frozenset("truefals"),
    "DATE": _DIGITS | {"-"},
    "TIMESTAMP": _DIGITS | {"-", ":", ".", " ", "+"},
}
"""The signs that values of a type are written with; other types may hold any text."""


@dataclass(frozen=True)
class Page:
    """Some rows of a table.

    Attributes:
        numbers: The number of each row in its table, from 1.
        rows: Their values, in the order of the columns.
        total: Rows that the search and the filters find.
    """

    numbers: Sequence[int]
    rows: Sequence[Sequence[Any]]
    total: int


class Rows:
    """A table that is read where it is; requests of several threads take turns.

    Args:
        name: The table.
        source: Its rows.

    Raises:
        SourceError: Its file can't be read.
    """

    def __init__(self, name: str, source: TableRows) -> None:
        self.name, self._source = name, source
        self._lock = threading.Lock()
        self._counts: dict[tuple[object, ...], int] = {}
        self._orders: dict[tuple[object, ...], list[int]] = {}
        self._fetching = threading.Lock()
        self._fetched: tuple[list[int], list[Any]] = [], []
        self._number = "row"
        while self._number in source.schema.names:
            self._number += "_"
        self._connection = without_bar(
            duckdb.connect(config={"autoinstall_known_extensions": False, **_LIMITS})
        )
        with self._failures_named():
            self._firsts = open_view(self._connection, source, self._number)
            described = self._connection.execute("DESCRIBE data").fetchall()
        self.types: dict[str, str] = {name: kind for name, kind, *_ in described
                                      if name in source.schema.names}  # fmt: skip

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self.types)

    @property
    def numbers(self) -> set[str]:
        """The columns of numbers."""
        return {name for name, kind in self.types.items() if kind.startswith(_NUMBERS)}

    @cached_property
    def count(self) -> int:
        """How many rows it has."""
        return self._count("", ())

    @cached_property
    def profile(self) -> TableProfile:
        """What its columns contain."""
        return profile_rows(self.name, self._source, _ONE_BY_ONE)

    def page(self, query: Query) -> Page:
        """The rows of one page.

        Raises:
            SourceError: The file can't be read.
        """
        where, values = self._where(query)
        start = query.page * PAGE_ROWS
        names = ", ".join(map(quoted, self.columns))
        if not where and not query.sort:  # the place tells the number: nothing before it is read
            found = self._rows(f"SELECT {names} FROM data LIMIT {PAGE_ROWS} OFFSET {start}", ())
            numbers = list(range(start + 1, start + 1 + len(found)))
            return Page(numbers, found, self.count)
        total = self._count(where, tuple(values))
        if start >= total:
            return Page([], [], total)
        number = quoted(self._number)
        if query.sort and self._firsts:  # only the rows of this page are read in full
            numbers, following = self._sorted(where, values, query)
            found = self._full(numbers)
            if following:  # it takes some 200 ms of CPU, while the user looks at this one
                fetch = partial(self._fetch, following)
                threading.Thread(target=fetch, name="next page", daemon=True).start()
            return Page(numbers, found, total)
        sql = f"SELECT {number}, {names} FROM data {where} {self._order(query)}"
        found = self._rows(f"{sql} LIMIT {PAGE_ROWS} OFFSET {start}", values)
        return Page([row[0] for row in found], [row[1:] for row in found], total)

    def row(self, number: int) -> dict[str, Any]:
        """One row by its number, from 1.

        Raises:
            UsageError: There is no such row.
        """
        names = ", ".join(map(quoted, self.columns))
        found = self._rows(f"SELECT {names} FROM data LIMIT 1 OFFSET {max(number - 1, 0)}", ())
        if number < 1 or not found:
            raise UsageError(
                f"`{self.name}` has no row {number:,}",
                code="usage.row",
                hint=f"its rows are numbered from 1 to {self.count:,}",
            )
        return dict(zip(self.columns, found[0], strict=True))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _order(self, query: Query) -> str:
        if not query.sort:
            return ""
        direction = "DESC" if query.descending else "ASC"
        return f"ORDER BY {quoted(query.sort)} {direction} NULLS LAST, {quoted(self._number)}"

    def _sorted(self, where: str, values: list[str], query: Query) -> tuple[list[int], list[int]]:
        """The numbers of a page's rows and of the next one's, by the column that it sorts by."""
        block, at = divmod(query.page * PAGE_ROWS, _SORTED)
        key = (where, *values, query.sort, query.descending, block)
        if key not in self._orders:
            if len(self._orders) >= _KEPT:
                self._orders.clear()
            sql = f"SELECT {quoted(self._number)} FROM data {where} {self._order(query)}"
            found = self._rows(f"{sql} LIMIT {_SORTED} OFFSET {block * _SORTED}", values)
            self._orders[key] = [number for (number,) in found]
        order = self._orders[key]
        return order[at : at + PAGE_ROWS], order[at + PAGE_ROWS : at + 2 * PAGE_ROWS]

    def _full(self, numbers: list[int]) -> list[Any]:
        """Rows by their numbers; those fetched last are kept."""
        with self._fetching:
            if self._fetched[0] != numbers:
                self._fetched = numbers, self._numbered(numbers)
            return self._fetched[1]

    def _fetch(self, numbers: list[int]) -> None:
        with suppress(SourceError):  # whoever asks for the page is told
            self._full(numbers)

    def _numbered(self, numbers: Sequence[int]) -> list[Any]:
        """Rows by their numbers, each from its file."""
        places: dict[int, list[int]] = {}
        for number in numbers:
            file = bisect_right(self._firsts, number) - 1
            places.setdefault(file, []).append(number - self._firsts[file])
        names = ", ".join(map(quoted, (self._number, *self.columns)))
        parts = [
            f"SELECT {names} FROM data WHERE file_index = {file}"
            f" AND file_row_number IN ({', '.join(map(str, rows))})"
            for file, rows in places.items()
        ]
        found = {number: row for number, *row in self._rows(" UNION ALL ".join(parts), ())}
        return [found[number] for number in numbers]

    def _where(self, query: Query) -> tuple[str, list[str]]:
        parts = [filter_.sql(self.types[filter_.column]) for filter_ in query.filters]
        if query.search:
            held = [name for name in self.columns if _may_hold(self.types[name], query.search)]
            condition = f"({' OR '.join(map(contains, held))})" if held else "false"
            parts.append((condition, [query.search] * len(held)))
        conditions = " AND ".join(condition for condition, _ in parts)
        return f"WHERE {conditions}" if parts else "", [v for _, some in parts for v in some]

    def _count(self, where: str, values: tuple[str, ...]) -> int:
        key = (where, values)
        if key not in self._counts:
            if len(self._counts) >= _KEPT:
                self._counts.clear()
            ((self._counts[key],),) = self._rows(f"SELECT count(*) FROM data {where}", values)
        return self._counts[key]

    def _rows(self, sql: str, values: Sequence[str]) -> list[Any]:
        with self._lock, self._failures_named():
            return self._connection.execute(sql, list(values)).fetchall()

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        """Say which table it is that can't be read."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as exc:
            reason = str(exc).strip().partition("\n")[0]
            raise SourceError(
                f"`{self.name}` can't be read: {reason}", code="source.unreadable"
            ) from exc


def _may_hold(kind: str, search: str) -> bool:
    """Whether values of a type can contain a text at all, so that no number is written out."""
    signs = next((signs for name, signs in _SIGNS.items() if kind.startswith(name)), None)
    return signs is None or set(search.lower()) <= signs
