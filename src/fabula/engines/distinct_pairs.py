"""Combinations of references that never repeat: link tables and composite keys."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fabula.streams import Permutation, coprimes, mix, name_key

Rows = NDArray[np.int64]

_MOST_CELLS = 2**62


class DistinctAcross:
    """Combinations over the whole table: row i takes the i-th of a shuffled grid of all."""

    def __init__(self, sizes: Sequence[int], seed: int, table: str, name: str) -> None:
        self._sizes = tuple(sizes)
        self._cells = math.prod(sizes)
        self._shuffle = Permutation(min(self._cells, _MOST_CELLS), seed, table, name)

    def __call__(self, row_numbers: Rows) -> list[Rows]:
        """The parent's row number of each reference."""
        first, *rest = _unravel(self._shuffle(row_numbers), self._sizes)
        if self._cells > _MOST_CELLS:  # only a part of the grid is reached: spread it over all
            first = (first + sum(rest)) % self._sizes[0]
        return [first, *rest]


class DistinctWithin:
    """Combinations that differ among the children of one parent.

    Child j of parent p takes grid cell (b + j * a) mod size, with a step a that shares no
    factor with the size, and a start b, both hashed from p: no two children of p can meet.
    """

    def __init__(self, sizes: Sequence[int], seed: int, table: str, name: str) -> None:
        self._sizes = tuple(sizes)
        self._cells = math.prod(sizes)
        self._steps = coprimes(self._cells)
        self._salt = np.uint64(name_key(f"{seed}/{table}/{name}"))

    def __call__(self, parents: Rows, places: Rows) -> list[Rows]:
        """The parent's row number of each other reference, for children by parent and place."""
        chance = mix(parents.astype(np.uint64) + self._salt)
        steps = self._steps[(chance >> np.uint64(32)) % np.uint64(len(self._steps))]
        starts = (mix(chance) % np.uint64(self._cells)).astype(np.int64)
        return _unravel((starts + places * steps) % self._cells, self._sizes)


def _unravel(cells: Rows, sizes: tuple[int, ...]) -> list[Rows]:
    parts: list[Rows] = []
    for size in sizes[:0:-1]:
        parts.append(cells % size)
        cells = cells // size
    return [cells, *parts[::-1]]
