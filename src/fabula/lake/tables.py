"""Tables of formats with commits: the files first, then one commit a table, or nothing at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from fabula.errors import SinkError
from fabula.io.destinations import Blocks, Incoming, Loading
from fabula.io.staging import Staged, check_partitions, staged
from fabula.lake.formats import as_kept, kept


class AbstractTableSink(ABC):
    """A place of such tables that was named, ready to be loaded."""

    times: ClassVar[bool]
    """Whether the format knows times of day."""

    def __init__(self, loading: Loading) -> None:
        self.loading = loading
        self.facts: dict[str, str] = {}

    @property
    @abstractmethod
    def place(self) -> str:
        """The address without anything secret."""

    @abstractmethod
    def failures(self) -> AbstractContextManager[None]:
        """Raises what the place refuses as a `SinkError` that names it."""

    @abstractmethod
    def there(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The columns of those tables that are there."""

    @abstractmethod
    def count(self, name: str) -> int:
        """The rows of a table that is there."""

    @abstractmethod
    def upload(self, table: Incoming, file: Staged) -> tuple[Any, Callable[[], object]]:
        """Put a file there, outside the table still; returns what to commit, and how to undo."""

    @abstractmethod
    def undo(self, name: str) -> Callable[[], object]:
        """What brings a table back to where it is now, after a commit."""

    @abstractmethod
    def commit(self, table: Incoming, files: Sequence[Any], *, is_there: bool) -> None:
        """Make the files the rows of a table, or add them to it."""

    def keep_record(self, manifest: Mapping[str, Any]) -> None:
        """Take what each commit says of the run; see `KeepsRecord`."""
        told = {"seed": manifest.get("seed"), "spec_sha256": manifest.get("spec_sha256")}
        self.facts = {f"fabula.{key}": str(value) for key, value in told.items() if value}

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse tables that are there, unless they are to be added to or replaced; see `Sink`.

        Raises:
            SinkError: A table is there, has other columns, or the place can't be reached.
            UsageError: The tables can't be partitioned as asked.
        """
        check_partitions(tables, self.loading.partition_by)
        with self.failures():
            there = self.there([table.name for table in tables])
            for table in tables:
                if table.name in there:
                    self._check_table(table, there[table.name])

    def _check_table(self, table: Incoming, columns: Sequence[str]) -> None:
        place = f"`{table.name}` of `{self.place}`"
        if not (self.loading.append or self.loading.overwrite):
            raise SinkError(
                f"{place} is a table with {self.count(table.name):,} rows",
                code="sink.not-empty",
                where=self.place,
                hint="--append adds rows, --overwrite replaces them",
            )
        if list(columns) != table.schema.names:
            raise SinkError(
                f"{place} has the columns {', '.join(columns)}, and the rows have"
                f" {', '.join(table.schema.names)}",
                code="sink.no-column",
                where=self.place,
                hint="drop the table, or load into another place",
            )

    def rows_there(self, names: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """The rows of tables that are there; keys go on after them."""
        with self.failures():
            return {name: (self.count(name), None) for name in self.there(names)}

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Upload every table, then commit each; see `Sink`.

        Raises:
            SinkError: Something is refused; tables are as they were.
        """
        self.check(tables)
        wanted, notes = kept(tables, times=self.times)
        by_name, undo = {table.name: table for table in wanted}, list[Callable[[], object]]()
        files: dict[str, list[Any]] = defaultdict(list)
        with TemporaryDirectory(prefix="fabula-upload-") as folder, self.failures():
            there = self.there([table.name for table in tables])
            keys = self.loading.partition_by
            try:
                for file in staged(wanted, as_kept(wanted, rows), Path(folder), keys):
                    uploaded, remove = self.upload(by_name[file.table], file)
                    undo.append(remove)
                    files[file.table].append(uploaded)
                    file.path.unlink()
                for table in wanted:
                    undo.append(self.undo(table.name))
                    self.commit(table, files[table.name], is_there=table.name in there)
            except BaseException:
                for step in reversed(undo):
                    with suppress(Exception):  # it cleans up after another error, which is told
                        step()
                raise
        told = ", ".join(table.name for table in wanted)
        return {"lines": [*notes, f"one commit a table: {told}"]}
