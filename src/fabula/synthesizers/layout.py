"""Cells of all columns side by side: where each column's cells are in one long vector.

Models that treat every column alike keep their numbers in vectors of `width` entries, one for
each cell of each column; column `j` has the entries from `starts[j]` on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn, Codes, Weights


@dataclass(frozen=True)
class Layout:
    """The places of cells.

    Attributes:
        sizes: Cells of each column.
    """

    sizes: tuple[int, ...]

    @classmethod
    def of(cls, columns: Sequence[CellColumn]) -> Layout:
        """The layout of a model's columns."""
        return cls(tuple(column.cells for column in columns))

    @property
    def width(self) -> int:
        """Cells of all columns."""
        return sum(self.sizes)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The place of each column's first cell."""
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)

    @cached_property
    def column(self) -> NDArray[np.int64]:
        """The column of each place."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def slice(self, at: int) -> slice:
        """The places of one column."""
        start = int(self.starts[at])
        return slice(start, start + self.sizes[at])

    def places(self, codes: Codes) -> NDArray[np.int32]:
        """The place of each code, same shape."""
        return (codes + self.starts).astype(np.int32)

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sums over each column's places, along the first axis."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0))

    def shares(self, codes: Codes, *, extra: float) -> Weights:
        """The share of each cell in its column, `extra` rows spread over its cells."""
        counts = np.bincount(self.places(codes).ravel(), minlength=self.width).astype(float)
        counts += extra / np.array(self.sizes)[self.column]
        return np.asarray(counts / self.sums(counts)[self.column])

    def weights(self, allowed: Mapping[int, Weights]) -> Weights:
        """The weights of all cells; 1 in columns of which nothing is asked."""
        weights = np.ones(self.width)
        for at, asked in allowed.items():
            weights[self.slice(at)] = asked
        return weights
