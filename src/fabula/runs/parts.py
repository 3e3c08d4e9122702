"""The unit of a run: a part of a table, made alone, kept whole, never made twice.

A part is up to sixteen blocks (1,048,576 rows), and a single block where language models fill the
rows. Parts depend on nothing but the plan, so they are made in any order by any thread or machine,
and a killed run misses only the parts that it was making.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from fabula.engines.made import CheckTally, MadeBlock, RejectedRow, RowsCall, TableMaker
from fabula.io.write import WrittenFile
from fabula.streams import BLOCK_ROWS

PART_BLOCKS = 16
"""Blocks in one part; a table of one part is a single file."""

KEPT_EXAMPLES = 5
"""Broken rows that are kept as examples of one check."""


@dataclass(frozen=True)
class Layout:
    """How one table is cut into parts."""

    table: str
    schema: pa.Schema
    rows: int
    blocks: int
    asks: bool = False

    @classmethod
    def of(cls, table: str, maker: TableMaker) -> Layout:
        """The layout of the table that `maker` makes."""
        return cls(table, maker.schema, maker.rows, maker.blocks, maker.asks)

    @property
    def part_blocks(self) -> int:
        """Most blocks of a part."""
        return 1 if self.asks else PART_BLOCKS

    @property
    def parts(self) -> int:
        """Number of parts; an empty table has one, so that its columns are known."""
        return max(1, -(-self.blocks // self.part_blocks))

    def blocks_of(self, part: int) -> range:
        """The blocks of a part."""
        return range(part * self.part_blocks, min((part + 1) * self.part_blocks, self.blocks))

    def asked(self, parts: Iterable[int]) -> int:
        """Rows asked for in some parts."""
        rows = self.part_blocks * BLOCK_ROWS
        return sum(min(rows, self.rows - part * rows) for part in parts)


@dataclass(frozen=True)
class PartRecord:
    """What happened to one part; in a run folder it is in a file alongside the part's data.

    Attributes:
        table: The table.
        part: The part's number, from 0.
        attempt: Which drawing of the table it belongs to.
        asked: Rows asked for.
        rows: Rows written.
        rejected: Rows lost, with reasons.
        tallies: Results of the table's row-level checks.
        masked: What masking did to the values of a real file, by what was done and column.
        files: Its files, one a format; none in memory.
        calls: Calls to language models for its rows.
    """

    table: str
    part: int
    attempt: int
    asked: int
    rows: int
    rejected: tuple[RejectedRow, ...] = ()
    tallies: tuple[CheckTally, ...] = ()
    masked: dict[str, dict[str, int]] = field(default_factory=dict)
    files: tuple[WrittenFile, ...] = ()
    calls: tuple[RowsCall, ...] = ()

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps(dataclasses.asdict(self), default=str, ensure_ascii=False)


@dataclass(frozen=True)
class Lost:
    """One row of a table that was asked for and is not there, as `RejectedRow` tells it."""

    table: str
    row: int
    reason: str
    raw: str = ""
    attempt: int = 0


@dataclass(frozen=True)
class Call:
    """A call to a language model for rows of a table, as `RowsCall` tells it."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[int, ...]
    key: str


class Tally:
    """Adds up what the blocks of one part report."""

    def __init__(self, layout: Layout, part: int, attempt: int) -> None:
        self._layout, self._part, self._attempt = layout, part, attempt
        self._rows = 0
        self._rejected: list[RejectedRow] = []
        self._checks: list[CheckTally] = []
        self._masked: list[Mapping[str, Mapping[str, int]]] = []
        self._calls: list[RowsCall] = []

    def add(self, block: MadeBlock) -> None:
        """Count one block."""
        self._rows += block.table.num_rows
        self._rejected += block.rejected
        self._checks += block.tallies
        self._masked.append(block.masked)
        self._calls += block.calls

    def record(self, files: tuple[WrittenFile, ...] = ()) -> PartRecord:
        """The part's record."""
        return PartRecord(
            table=self._layout.table,
            part=self._part,
            attempt=self._attempt,
            asked=self._rows + len(self._rejected),
            rows=self._rows,
            rejected=tuple(self._rejected),
            tallies=merged(self._checks),
            masked=summed(self._masked),
            files=files,
            calls=tuple(self._calls),
        )


def merged(tallies: Iterable[CheckTally]) -> tuple[CheckTally, ...]:
    """Tallies of several blocks, one a check, with a few examples each."""
    sums: dict[int, CheckTally] = {}
    for tally in tallies:
        past = sums.get(tally.check, CheckTally(tally.check, 0, 0, 0))
        examples: tuple[Mapping[str, Any], ...] = past.examples + tuple(tally.examples)
        sums[tally.check] = CheckTally(
            tally.check,
            past.rows + tally.rows,
            past.broken + tally.broken,
            past.repaired + tally.repaired,
            examples[:KEPT_EXAMPLES],
        )
    return tuple(sums[check] for check in sorted(sums))


def summed(counts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """What masking did in several blocks or parts."""
    sums: dict[str, Counter[str]] = {}
    for count in counts:
        for told, columns in count.items():
            sums.setdefault(told, Counter()).update(columns)
    return {told: dict(columns) for told, columns in sums.items()}
