"""Counts as a few ordered cells, for a model to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn

CELLS = 24


@dataclass(frozen=True, eq=False)
class Bins:
    """Cells of whole numbers: each cell ends at an edge.

    Attributes:
        edges: The largest number of each cell, rising.
    """

    edges: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: NDArray[np.int64]) -> Bins:
        """At most `CELLS` cells of about equally many numbers; few numbers have a cell each."""
        distinct = np.unique(numbers)
        if len(distinct) > CELLS:
            places = np.quantile(numbers, np.arange(1, CELLS + 1) / CELLS, method="higher")
            distinct = np.unique(places)
        return cls(distinct.astype(np.int64) if len(distinct) else np.zeros(1, np.int64))

    def codes(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        """The cell of each number; larger ones than were seen fall into the last."""
        found = np.searchsorted(self.edges, numbers)
        return np.minimum(found, len(self.edges) - 1).astype(np.int32)

    def cells(self, name: str, codes: NDArray[np.int32]) -> CellColumn:
        """What a model knows of them."""
        counts = np.bincount(codes, minlength=len(self.edges))
        return CellColumn(name, counts, ordered=True, missing=False)
