"""The columns that a table's model sees, in blocks: what stands above a row, alongside it, in it.

=============  ===============================================================================
`above`        the parent's columns, of the foreign key that leads the table
`siblings`     how many rows the parent has
`position`     the row's place among them
`previous`     the columns of the sibling before
`before:KEY`   the group of that sibling's parent by another foreign key
`group:KEY`    the group of another foreign key's parent
`beside:KEY`   that parent's columns
`own`          the row's own columns
`below:KEY`    how many children the row has by a foreign key that points at it
`depth:KEY`    how many rows of its own table are above it
=============  ===============================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.model import CellColumn, Codes
from fabula.synthesizers.multitable.foreign_keys import Rows

BESIDE = ("siblings", "position")
"""Blocks of numbers that tell where a row stands among its parent's rows."""

_DRAWN = ("group:", "own", "below:", "depth:")


@dataclass
class Layout:
    """Where each block's columns are.

    Attributes:
        columns: All columns.
        blocks: The first column of each block and the one after its last.
    """

    columns: tuple[CellColumn, ...] = ()
    blocks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, block: str, columns: Iterable[CellColumn]) -> None:
        """Append a block."""
        start = len(self.columns)
        self.columns += tuple(columns)
        self.blocks[block] = (start, len(self.columns))

    def part(self, codes: Codes, block: str) -> Codes:
        """A block's columns, as a view; none if there is no such block."""
        start, end = self.blocks.get(block, (0, 0))
        return codes[:, start:end]

    def seen(self, codes: Codes, blocks: Iterable[str]) -> Seen:
        """Some blocks of rows, with their columns."""
        spans = [slice(*self.blocks.get(block, (0, 0))) for block in blocks]
        columns = tuple(column for span in spans for column in self.columns[span])
        return Seen(np.column_stack([codes[:, span] for span in spans]), columns)

    @property
    def asked(self) -> int:
        """The column after those that ask for parents."""
        return max(end for block, (_, end) in self.blocks.items() if block.startswith("group:"))

    def drawn(self) -> list[int]:
        """Columns that a model draws."""
        return [
            at
            for block, (start, end) in self.blocks.items()
            for at in range(start, end)
            if block.startswith(_DRAWN)
        ]

    def looking_back(self) -> list[tuple[str, str]]:
        """Blocks of the sibling before, each with the block of a row that it repeats."""
        pairs = [("previous", "own")]
        pairs += [(block, f"group:{block[7:]}") for block in self.blocks if block[:7] == "before:"]
        return [pair for pair in pairs if pair[0] in self.blocks]

    def context(self) -> tuple[int, ...]:
        """Columns that are known before a model is asked."""
        return tuple(sorted(set(range(len(self.columns))) - set(self.drawn())))

    def known(self, rows: int, blocks: Iterable[str]) -> NDArray[np.bool_]:
        """Which codes of some rows are known, if these blocks are."""
        known = np.zeros((rows, len(self.columns)), dtype=bool)
        for block in blocks:
            start, end = self.blocks.get(block, (0, 0))
            known[:, start:end] = True
        return known


@dataclass(frozen=True, eq=False)
class Seen:
    """A table as its children see it: its own columns, and those of the parents that lead it.

    Attributes:
        codes: Shape (rows, columns).
        cells: The columns.
    """

    codes: Codes
    cells: tuple[CellColumn, ...] = ()

    def at(self, rows: Rows) -> Codes:
        """The codes of some rows; the cell after the last where a row is -1."""
        none = np.array([column.cells for column in self.cells], dtype=np.int32)
        if not len(self.codes):
            return np.broadcast_to(none, (len(rows), len(none))).copy()
        return np.where((rows >= 0)[:, None], self.codes[rows], none)

    def beside(self, other: Seen) -> Seen:
        """With the columns of another one, row by row."""
        return Seen(np.column_stack([self.codes, other.codes]), self.cells + other.cells)

    def recounted(self, prefix: str, rows: Rows) -> Seen:
        """Some rows of it, their columns named and counted again; the last cell means no row."""
        codes = self.at(rows)
        cells = tuple(
            CellColumn(
                f"{prefix} {column.name}",
                np.bincount(codes[:, at], minlength=column.cells + 1),
                ordered=column.ordered,
                missing=True,
            )
            for at, column in enumerate(self.cells)
        )
        return Seen(codes, cells)


@dataclass(frozen=True, eq=False)
class Siblings:
    """Rows of a table by the parent that leads them.

    Attributes:
        parents: The parent of each row, rising; rows without one come first, each by itself.
        positions: Each row's place among its parent's rows, from 0.
        sizes: How many rows the parent of each row has.
    """

    parents: Rows
    positions: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, parents: Rows) -> Siblings:
        """Positions and sizes of rows that are in order."""
        size = len(parents)
        starts = np.ones(size, dtype=bool)
        starts[1:] = (np.diff(parents) != 0) | (parents[1:] < 0)
        first = np.maximum.accumulate(np.where(starts, np.arange(size), 0))
        ends = np.flatnonzero(np.append(starts, True))
        sizes = np.repeat(np.diff(ends), np.diff(ends)) if size else np.zeros(0, dtype=np.int64)
        return cls(parents, np.arange(size) - first, sizes)

    @property
    def previous(self) -> Rows:
        """The row of the sibling before, -1 for the first."""
        return np.where(self.positions > 0, np.arange(len(self.parents)) - 1, -1)

    @property
    def families(self) -> Rows:
        """A number for each row that is the same for all rows of one parent."""
        return np.cumsum(self.positions == 0)


@dataclass(frozen=True, eq=False)
class MadeTable:
    """A table that was made.

    Attributes:
        table: Its rows.
        seen: Its rows as children see them.
        wanted: For each foreign key that points at it, how its rows rank by children.
        links: The parent's row of each of its rows, by foreign key.
    """

    table: pa.Table
    seen: Seen
    wanted: Mapping[ForeignKey, NDArray[np.float64]]
    links: Mapping[ForeignKey, Rows] = field(default_factory=dict)
