"""How many children each parent has, and which child rows are whose, without storing either."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fabula.spec.tables import PerParent
from fabula.streams import BLOCK_ROWS

Counts = NDArray[np.int64]


class Cardinality:
    """The children of each parent row, drawn by blocks of parents.

    Only the totals of the parents' blocks are kept; the counts of a block are drawn again from
    their stream when child rows are requested, so memory stays flat for any number of rows.
    """

    def __init__(
        self,
        per_parent: PerParent,
        parents: int,
        draw: Callable[[int, int], NDArray[np.float64]],
        *,
        lost: NDArray[np.int64] | None = None,
        most: float = np.inf,
    ) -> None:
        """Draw the totals; `draw` takes a block's number and rows; `lost` parents have none."""
        self._per_parent, self._parents, self._draw, self._lost = per_parent, parents, draw, lost
        self._most = min(most, np.inf if per_parent.max is None else per_parent.max)
        blocks = -(-parents // BLOCK_ROWS)
        totals = [int(self.counts(block).sum()) for block in range(blocks)]
        self._ends = np.cumsum(totals, dtype=np.int64)

    @property
    def rows(self) -> int:
        """Children of all parents."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def counts(self, parent_block: int) -> Counts:
        """Children of each parent in one block of parents."""
        start = parent_block * BLOCK_ROWS
        size = min(BLOCK_ROWS, self._parents - start)
        counts: Counts = np.clip(
            np.rint(self._draw(parent_block, size)), self._per_parent.min, self._most
        ).astype(np.int64)
        if self._lost is not None:
            lost = self._lost[(self._lost >= start) & (self._lost < start + size)]
            counts[lost - start] = 0
        return counts

    def parents_of(self, start: int, rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The parent row of child rows `start` …, and each child's place among its siblings."""
        first = int(np.searchsorted(self._ends, start, side="right"))
        last = int(np.searchsorted(self._ends, start + rows, side="left"))
        owners, places = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for block in range(first, min(last, len(self._ends) - 1) + 1):
            counts = self.counts(block)
            ends = np.cumsum(counts)
            before = int(self._ends[block - 1]) if block else 0
            low, high = max(start - before, 0), min(start + rows - before, int(ends[-1]))
            some = slice(np.searchsorted(ends, low, side="right"), np.searchsorted(ends, high) + 1)
            begins, ends = (ends - counts)[some], ends[some]
            taken = np.minimum(ends, high) - np.maximum(begins, low)
            owners.append(np.repeat(np.arange(len(ends)) + some.start + block * BLOCK_ROWS, taken))
            places.append(np.arange(low, high) - np.repeat(begins, taken))
        return np.concatenate(owners), np.concatenate(places)
