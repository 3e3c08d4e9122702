"""Columns of many labels for networks: the rarer labels share one cell, and are drawn from it.

A network knows each label by weights of its own, which few rows teach nothing, and whose number
costs time and memory. What the pooled labels go with is learned for all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn, Codes, Weights

MOST = 256
"""Labels of a column that keep a cell of their own, the most frequent ones."""

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pooling:
    """Which cells of some columns share one.

    Attributes:
        columns: The columns with all of their cells.
    """

    columns: tuple[CellColumn, ...]

    @cached_property
    def cells(self) -> Mapping[int, Whole]:
        """The pooled cell of each cell, by column; the last label is the shared one."""
        found = {}
        for at, column in enumerate(self.columns):
            known = column.cells - column.missing
            if column.ordered or known <= MOST + 1:
                continue
            cells = np.full(column.cells, MOST)
            cells[np.argsort(-column.counts[:known], kind="stable")[:MOST]] = np.arange(MOST)
            cells[known:] = MOST + 1
            found[at] = cells
        return found

    @property
    def pooled(self) -> tuple[CellColumn, ...]:
        """The columns as a network sees them."""
        columns = list(self.columns)
        for at, cells in self.cells.items():
            columns[at] = replace(
                columns[at], counts=self._summed(at, columns[at].counts, cells).astype(np.int64)
            )
        return tuple(columns)

    @property
    def told(self) -> str:
        """What is pooled, in words; nothing if nothing is."""
        names = ", ".join(f"`{self.columns[at].name}`" for at in self.cells)
        return f"labels of {names} after the {MOST} most frequent ones are learned as one" * bool(
            names
        )

    def closed(self, codes: Codes) -> Codes:
        """Rows as a network sees them."""
        closed = codes.copy()
        for at, cells in self.cells.items():
            closed[:, at] = cells[codes[:, at]]
        return closed

    def weights(self, allowed: Mapping[int, Weights]) -> dict[int, Weights]:
        """Weights of pooled cells, given those of all cells."""
        found = dict(allowed)
        for at in allowed.keys() & self.cells.keys():
            cells, counts = self.cells[at], self.columns[at].counts + 1e-9
            asked = self._summed(at, counts * allowed[at], cells)
            found[at] = asked / self._summed(at, counts, cells)
        return found

    def opened(
        self, codes: Codes, rng: np.random.Generator, allowed: Mapping[int, Weights] | None = None
    ) -> Codes:
        """Rows of a network with a label for each shared cell, as often as in training."""
        opened = codes.copy()
        for at, cells in self.cells.items():
            first = np.full(cells.max() + 1, -1)
            first[cells[::-1]] = np.arange(len(cells))[::-1]
            opened[:, at] = first[codes[:, at]]
            rows, rest = np.flatnonzero(codes[:, at] == MOST), np.flatnonzero(cells == MOST)
            shares = self.columns[at].counts[rest] + 1e-9
            if allowed is not None and at in allowed:
                shares = shares * allowed[at][rest]
            sums = np.cumsum(shares)
            if sums[-1] > 0:
                drawn = np.searchsorted(sums, rng.random(len(rows)) * sums[-1], "right")
                opened[rows, at] = rest[np.minimum(drawn, len(rest) - 1)]
        return opened

    def _summed(self, at: int, values: NDArray[Any], cells: Whole) -> Weights:
        size = MOST + 1 + self.columns[at].missing
        return np.asarray(np.bincount(cells, values, minlength=size), float)
