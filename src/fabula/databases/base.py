"""What every database offers: its definition, its rows, and rows into it in one transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Self

import pyarrow as pa

from fabula.databases.address import Address
from fabula.databases.statements import Statement
from fabula.errors import FabulaError, SinkError, SourceError

STAGED = "fabula_later_values"
"""The temporary table of values that wait for their parents."""


@dataclass(frozen=True)
class Place:
    """A column of a table that is there.

    Attributes:
        generated: The database computes it, and takes no value.
        required: It takes no gap, and nothing fills it in.
        array: It takes lists; elsewhere they are written as JSON.
        nullable: It takes gaps.
        key: It is a part of the primary key.
    """

    generated: bool = False
    required: bool = False
    array: bool = False
    nullable: bool = True
    key: bool = False


@dataclass(frozen=True)
class Key:
    """A foreign key of a table that is there."""

    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]
    deferrable: bool = False


class Database(ABC):
    """An open connection; `with` closes it, and what was not committed is gone."""

    title: ClassVar[str]
    dialect: ClassVar[str]
    """What sqlglot calls its SQL."""
    types: ClassVar[Mapping[str, str]]
    """The column type of each kind of values, for tables that are created."""
    later_keys: ClassVar[bool] = False
    """Whether foreign keys can be added to a table that is there."""
    keys_first: ClassVar[bool] = False
    """Whether foreign keys to later tables are added before the load."""
    checks_at_end: ClassVar[bool] = False
    """Whether foreign keys of a load are checked when it is committed, whatever they say."""
    checks_each_row: ClassVar[bool] = False
    """Whether a foreign key to the own table is checked row by row."""
    own_keys: ClassVar[bool] = True
    """Whether a load can fill a foreign key to the own table."""
    empties_in_copy: ClassVar[bool] = False
    """Whether tables can't be emptied and loaded in one transaction, so that a copy is."""
    error: type[Exception]
    """What the driver raises."""

    def __init__(self, address: Address, *, reads: bool = False) -> None:
        self.address, self._reads = address, reads

    @abstractmethod
    def open(self) -> None:
        """Connect."""

    @abstractmethod
    def close(self) -> None:
        """Disconnect; what was not committed is rolled back."""

    @abstractmethod
    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; returns its rows."""

    @abstractmethod
    def statements(self) -> Iterator[Statement]:
        """What defines the tables."""

    @abstractmethod
    def tables(self) -> list[str]:
        """The names of the tables."""

    @abstractmethod
    def columns(self, table: str) -> dict[str, Place]:
        """The columns of a table."""

    @abstractmethod
    def keys(self, table: str) -> list[Key]:
        """The foreign keys of a table."""

    @abstractmethod
    def batches(self, table: str) -> pa.RecordBatchReader:
        """The rows of a table as a stream."""

    @abstractmethod
    def insert(self, table: str, blocks: Iterable[pa.Table], places: Mapping[str, Place]) -> int:
        """Insert blocks, whose columns are those of `places`; returns the number of rows."""

    def begin(self) -> None:
        """Start the transaction of a load."""
        self.run("BEGIN")

    def commit(self) -> None:
        """Keep what was loaded."""
        self.run("COMMIT")

    def rollback(self, created: Sequence[str]) -> None:
        """Undo what was loaded; `created` are tables that the load made."""
        del created
        with suppress(self.error):
            self.run("ROLLBACK")

    def clear_unfinished(self, names: Sequence[str]) -> list[str]:
        """Remove the empty tables that killed loads left; returns their names.

        Raises:
            SinkError: Another load is creating one of `names`.
        """
        del names
        return []

    def create(self, sql: str) -> None:
        """Create a table."""
        self.run(sql)

    def created(self) -> None:  # noqa: B027  (most have nothing to do)
        """Take note that tables were created."""

    def highest_key(self, table: str) -> int | None:
        """The highest number of a table's key of one whole number; None without one."""
        found = [name for name, place in self.columns(table).items() if place.key]
        if len(found) != 1:
            return None
        name = self.quoted(found[0])
        with suppress(self.error):  # not every type has an order
            ((highest,),) = self.run(f"SELECT max({name}) FROM {self.named(table)}")
            return highest if isinstance(highest, int) else None
        return None

    def defer(self) -> None:  # noqa: B027  (most have nothing to do)
        """Let foreign keys be checked when the load is committed, where they allow it."""

    def empty(self, tables: Sequence[str]) -> None:
        """Remove the rows of tables, given parents first."""
        for table in reversed(tables):
            self.run(f"DELETE FROM {self.named(table)}")

    def advance(self, table: str) -> int:
        """Let sequences continue after the highest values; returns how many were moved."""
        del table
        return 0

    @contextmanager
    def fast(self, tables: Sequence[str]) -> Iterator[list[str]]:
        """Take indexes and foreign keys away for a load, and add them again."""
        del tables
        yield []

    def update(
        self, table: str, columns: Sequence[str], key: Sequence[str], rows: pa.Table
    ) -> None:
        """Set columns of the rows with these keys."""
        names = [*key, *columns]
        listed = ", ".join(map(self.quoted, names))
        copy = f"SELECT {listed} FROM {self.named(table)} WHERE 1 = 0"
        self.run(f"CREATE TEMPORARY TABLE {STAGED} AS {copy}")
        self.insert(STAGED, [rows.select(names)], dict.fromkeys(names, Place()))
        self.run(self.update_sql(table, columns, key, STAGED))
        self.run(f"DROP TABLE {STAGED}")

    def update_sql(
        self, table: str, columns: Sequence[str], key: Sequence[str], staged: str
    ) -> str:
        """The statement that sets columns from another table."""
        changes = ", ".join(f"{self.quoted(n)} = s.{self.quoted(n)}" for n in columns)
        same = " AND ".join(f"t.{self.quoted(n)} = s.{self.quoted(n)}" for n in key)
        return f"UPDATE {self.named(table)} AS t SET {changes} FROM {staged} AS s WHERE {same}"

    def count(self, table: str) -> int:
        """The rows of a table."""
        return int(self.run(f"SELECT count(*) FROM {self.named(table)}")[0][0])

    def quoted(self, name: str) -> str:
        """A name as the database reads it."""
        return '"' + name.replace('"', '""') + '"'

    def named(self, table: str) -> str:
        """A table's name, with its schema if it has one."""
        return self.quoted(table)

    def __enter__(self) -> Self:
        with self.failures(connecting=True):
            self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def failures(self, where: str | None = None, *, connecting: bool = False) -> Iterator[None]:
        """Raise what the driver refuses as an error of ours, without secrets.

        Raises:
            SourceError: While reading.
            SinkError: While writing.
        """
        try:
            yield
        except self.error as exc:
            told = self.address.without_secrets(" ".join(str(exc).split()))
            kind: type[FabulaError] = SourceError if self._reads else SinkError
            area = "source" if self._reads else "sink"
            raise kind(
                f"{self.title} refuses: {told}" if told else f"{self.title} does not answer",
                code=f"{area}.database",
                where=where or self.address.shown,
                hint=self.advice(told, connecting=connecting),
            ) from None

    def advice(self, told: str, *, connecting: bool) -> str | None:
        """What to do about a driver's message."""
        low = told.lower()
        if connecting and ("password" in low or "denied" in low or "role" in low):
            return "check the user and password in the address"
        if connecting and ("does not exist" in low or "unknown database" in low):
            return "create the database first, or check its name in the address"
        if connecting:
            return f"is it running at `{self.address.shown}`?"
        if self._reads:
            return None
        if "unique" in low or "duplicate" in low:
            return "nothing was loaded; another `--seed` draws different values"
        return "nothing was loaded"
