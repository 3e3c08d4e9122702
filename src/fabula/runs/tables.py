"""Makes the tables of a plan, part by part, into a store."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.made import MadeBlock, RejectedRow, TableMaker
from fabula.errors import PartialRunError
from fabula.io.read import TableRows
from fabula.runs.executor import LocalExecutor
from fabula.runs.parts import Layout, PartRecord
from fabula.runs.progress import Tracker
from fabula.runs.stores import Store
from fabula.telemetry import span

if TYPE_CHECKING:
    from fabula.engines.usage import ModelUsage


class Elsewhere(Protocol):
    """Makes parts on other machines."""

    def make(
        self, store: Store, layout: Layout, parts: Sequence[int]
    ) -> Iterator[tuple[int, PartRecord]]:
        """Have parts made, and keep them in the store as they come, in order."""
        ...

    def usage(self, here: Mapping[str, ModelUsage]) -> dict[str, ModelUsage]:
        """What was asked of models in all: here and there."""
        ...


class Tables:
    """The tables of a run: made, drawn again, or found finished.

    `records` are those of each table's parts; `reused` counts rows that an earlier run had made.
    """

    def __init__(
        self,
        makers: Mapping[str, TableMaker],
        store: Store,
        tracker: Tracker,
        workers: int,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.records: dict[str, tuple[PartRecord, ...]] = {}
        self.reused = 0
        self._makers, self._store, self._tracker = makers, store, tracker
        self._elsewhere = elsewhere
        self._stopped = threading.Event()
        self._executor = LocalExecutor(workers, on_stop=self._stopped.set)

    def layout(self, table: str) -> Layout:
        """How a table is cut into parts."""
        return Layout.of(table, self._makers[table])

    def make(self, table: str, parts: Sequence[int] | None = None) -> None:
        """Make the parts of a table that are missing: of all its parts, or of some."""
        attempt = self._store.attempt(table)
        self._makers[table].settle(attempt)
        layout = self.layout(table)
        parts = range(layout.parts) if parts is None else parts
        found = [self._store.finished(layout, part) for part in parts]
        kept = {item.part: item for item in found if item and item.attempt == attempt}
        self.reused += sum(record.rows for record in kept.values())
        asked = layout.asked(parts)
        self._tracker.start(table, sum(record.asked for record in kept.values()), asked)

        def make_part(part: int) -> PartRecord:
            return self._store.keep(layout, part, attempt, self._blocks(layout, part, attempt))

        missing = [part for part in parts if part not in kept]
        made = (
            self._executor.map(make_part, missing)
            if self._elsewhere is None
            else self._told(layout, self._elsewhere.make(self._store, layout, missing))
        )
        with span("fabula.table", table=table, rows=layout.rows, parts=len(missing)):
            for part, record in made:
                kept[part] = record
                self._tracker.kept(table, record.asked)
        self.records[table] = tuple(kept[part] for part in sorted(kept))
        self._count(table, asked)

    def _told(
        self, layout: Layout, made: Iterator[tuple[int, PartRecord]]
    ) -> Iterator[tuple[int, PartRecord]]:
        """Parts that are made elsewhere; each is told of when it comes."""
        for part, record in made:
            self._tracker.made(layout.table, record.asked)
            yield part, record

    def usage(self, here: Mapping[str, ModelUsage]) -> Mapping[str, ModelUsage]:
        """What was asked of models, by this process and by others."""
        return here if self._elsewhere is None else self._elsewhere.usage(here)

    def attempt(self, table: str) -> int:
        """How often a table was drawn again."""
        return self._store.attempt(table)

    def draw_again(self, table: str) -> None:
        """Make a whole table again from other random numbers."""
        self._store.draw_again(table, self.attempt(table) + 1)
        self.make(table)

    def drop(self, table: str, rows: NDArray[np.int64], reason: str) -> None:
        """Take rows out of a finished table, by their positions, in order, among those there."""
        layout, records = self.layout(table), []
        first_written = first_asked = 0
        for record in self.records[table]:
            here = rows[(rows >= first_written) & (rows < first_written + record.rows)]
            if len(here):
                asked = np.arange(first_asked, first_asked + record.asked)
                there = np.setdiff1d(asked, [item.row for item in record.rejected])
                lost = [
                    RejectedRow(int(row), reason) for row in there[here - first_written].tolist()
                ]
                blocks = self._without(layout, record, here - first_written, lost)
                records.append(self._store.keep(layout, record.part, record.attempt, blocks))
            else:
                records.append(record)
            first_written += record.rows
            first_asked += record.asked
        self.records[table] = tuple(records)
        self._count(table, layout.rows)

    def _without(
        self,
        layout: Layout,
        record: PartRecord,
        rows: NDArray[np.int64],
        lost: Sequence[RejectedRow],
    ) -> Iterator[MadeBlock]:
        """A part's rows again, without some of them."""
        first = 0
        for piece in self._store.read_part(layout, record.part):
            keep = np.ones(piece.num_rows, dtype=bool)
            keep[rows[(rows >= first) & (rows < first + piece.num_rows)] - first] = False
            first += piece.num_rows
            yield MadeBlock(piece.filter(pa.array(keep)))
        rejected = sorted((*record.rejected, *lost), key=lambda item: item.row)
        empty = layout.schema.empty_table()
        yield MadeBlock(empty, tuple(rejected), record.tallies, record.masked, record.calls)

    def read(self, table: str) -> TableRows:
        """All rows of a table that is made."""
        return self._store.read(self.layout(table))

    def _blocks(self, layout: Layout, part: int, attempt: int) -> Iterator[MadeBlock]:
        maker = self._makers[layout.table]
        for block in layout.blocks_of(part):
            if self._stopped.is_set():
                raise KeyboardInterrupt
            made = maker.make(block, attempt=attempt)
            self._tracker.made(layout.table, made.table.num_rows + len(made.rejected))
            yield made

    def _count(self, table: str, asked: int) -> None:
        """Hold the run to its word: every row asked for is written or named as rejected."""
        records = self.records[table]
        written = sum(record.rows for record in records)
        rejected = sum(len(record.rejected) for record in records)
        if written + rejected != asked:
            raise PartialRunError(
                f"`{table}`: {asked:,} rows were asked for, but {written:,} were"
                f" written and {rejected:,} rejected",
                code="run.count",
                where=f"tables.{table}",
                hint="this is a fault of Fabula; please report it with the spec",
            )
