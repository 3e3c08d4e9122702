"""A column's cells as a binary tree: each decision halves the rows, about.

Cells keep their order, so a node is a run of cells and a decision says whether a row's cell lies
in the second part of the run. Common cells are few decisions away from the root.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CellTree:
    """The decisions that lead to each cell of a column.

    Attributes:
        levels: The inner nodes of each level, as a range of node numbers.
        first: The first cell of each inner node's run.
        middle: The first cell of its second part.
        end: The cell after its run.
        children: For each node its two children: an inner node's number, or -1 - cell.
    """

    levels: tuple[tuple[int, int], ...]
    first: NDArray[np.int32]
    middle: NDArray[np.int32]
    end: NDArray[np.int32]
    children: NDArray[np.int32]

    @classmethod
    def balanced(cls, counts: NDArray[np.int64], *, missing: bool = False) -> CellTree:
        """The tree whose nodes divide the rows as evenly as their cells allow.

        Args:
            counts: Training rows in each cell.
            missing: Whether the last cell stands for a missing value, which is decided first: it
                is not a neighbour of the cell before it.
        """
        sums = np.concatenate([[0], np.cumsum(counts)]).astype(float)
        sums += np.arange(len(sums)) * 1e-6  # cells without rows are divided, too
        runs, levels = [(0, len(counts))] if len(counts) > 1 else [], []
        nodes: list[tuple[int, int, int]] = []
        children: list[tuple[int, int]] = []
        while runs:
            start = len(nodes)
            levels.append((start, start + len(runs)))
            below: list[tuple[int, int]] = []
            for first, end in runs:
                alone = missing and end == len(counts)
                middle = end - 1 if alone else _middle(sums, first, end)
                nodes.append((first, middle, end))
                sides = []
                for a, b in ((first, middle), (middle, end)):
                    sides.append(start + len(runs) + len(below) if b - a > 1 else -1 - a)
                    below += [(a, b)] if b - a > 1 else []
                children.append((sides[0], sides[1]))
            runs = below
        table = np.array(nodes, np.int32).reshape(-1, 3)
        return cls(
            tuple(levels),
            np.ascontiguousarray(table[:, 0]),
            np.ascontiguousarray(table[:, 1]),
            np.ascontiguousarray(table[:, 2]),
            np.array(children, np.int32).reshape(-1, 2),
        )

    def shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """For each node the share of its rows that go right, never 0 or 1."""
        sums = np.concatenate([[0], np.cumsum(counts)])
        right = sums[self.end] - sums[self.middle]
        return np.asarray((right + 0.5) / (sums[self.end] - sums[self.first] + 1.0))


def _middle(sums: NDArray[np.float64], first: int, end: int) -> int:
    """The cell that divides a run's rows most evenly."""
    target = (sums[first] + sums[end]) / 2
    near = int(np.searchsorted(sums[first : end + 1], target)) + first
    candidates = [cell for cell in (near - 1, near) if first < cell < end] or [first + 1]
    return min(candidates, key=lambda cell: abs(float(sums[cell] - target)))
