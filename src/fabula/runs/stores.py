"""Where the parts of a run are kept: the interface, and the one in memory.

`RunFolder` is the one on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from fabula.engines.made import MadeBlock
from fabula.io.read import TableRows
from fabula.runs.part_files import PartFiles
from fabula.runs.parts import Layout, PartRecord, Tally


class Store(Protocol):
    """Where finished parts are kept: a run folder, or memory."""

    @property
    def files(self) -> PartFiles | None:
        """How parts are written; None in memory."""
        ...

    def attempt(self, table: str) -> int:
        """Which drawing of a table is the current one."""
        ...

    def draw_again(self, table: str, attempt: int) -> None:
        """Say, before its parts are made, that a table is drawn again."""
        ...

    def finished(self, layout: Layout, part: int) -> PartRecord | None:
        """The record of a part that is kept already."""
        ...

    def keep(
        self, layout: Layout, part: int, attempt: int, blocks: Iterable[MadeBlock]
    ) -> PartRecord:
        """Keep a part made of `blocks`, whole or not at all; it replaces an earlier one."""
        ...

    def receive(
        self,
        layout: Layout,
        record: PartRecord,
        files: Mapping[str, bytes],
        blocks: Sequence[MadeBlock],
    ) -> None:
        """Keep a part that was made elsewhere: its files, by their names, or its blocks."""
        ...

    def read_part(self, layout: Layout, part: int) -> Iterator[pa.Table]:
        """The rows of a part that is kept, piece by piece."""
        ...

    def read(self, layout: Layout) -> TableRows:
        """All rows of a table whose parts are all kept."""
        ...


class MemoryStore:
    """Keeps parts in memory; a run without an output folder uses it."""

    files = None

    def __init__(self) -> None:
        self._parts: dict[tuple[str, int], list[pa.Table]] = {}
        self._records: dict[tuple[str, int], PartRecord] = {}
        self._attempts: dict[str, int] = {}

    def attempt(self, table: str) -> int:
        return self._attempts.get(table, 0)

    def draw_again(self, table: str, attempt: int) -> None:
        """Say that a table is drawn again."""
        self._attempts[table] = attempt

    def finished(self, layout: Layout, part: int) -> PartRecord | None:
        """The record of a part of this run."""
        return self._records.get((layout.table, part))

    def keep(
        self, layout: Layout, part: int, attempt: int, blocks: Iterable[MadeBlock]
    ) -> PartRecord:
        """Keep a part made of `blocks`."""
        tally, tables = Tally(layout, part, attempt), []
        for block in blocks:
            tally.add(block)
            tables.append(block.table)
        self._parts[layout.table, part] = tables
        self._records[layout.table, part] = tally.record()
        return self._records[layout.table, part]

    def receive(
        self,
        layout: Layout,
        record: PartRecord,
        _files: Mapping[str, bytes],
        blocks: Sequence[MadeBlock],
    ) -> None:
        """Keep a part that was made elsewhere."""
        self.keep(layout, record.part, record.attempt, blocks)

    def read_part(self, layout: Layout, part: int) -> Iterator[pa.Table]:
        """The rows of a part, block by block."""
        return iter(self._parts[layout.table, part])

    def read(self, layout: Layout) -> pa.Table:
        """All rows of a table."""
        tables = [t for part in range(layout.parts) for t in self._parts[layout.table, part]]
        return pa.concat_tables(tables) if tables else layout.schema.empty_table()
