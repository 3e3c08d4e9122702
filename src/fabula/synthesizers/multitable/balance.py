"""Few rows drawn so that together they have the shares that a model gives them.

Of sixty doctors that are drawn apart from each other, a sixth may be surgeons where a tenth is
meant; whoever depends on them is then wrong in all rows. So each row is drawn several times, and
one of the draws is taken: the one that leaves all shares nearest to what they are on average over
the draws, those of pairs of columns, too (Welling 2009, "Herding").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn, Codes

FEW_ROWS = 2_000
"""Tables of more rows are drawn once: chance moves their shares little."""

DRAWS = 8
"""Draws of a row."""

PARTS = 8
"""Parts of a column's cells that are counted."""

_MOST_PAIRS = 30_000
"""Of more pairs of parts, only single parts are counted."""

Flags = NDArray[np.float32]


def flags(codes: Codes, columns: Sequence[CellColumn]) -> Flags:
    """For each column whether a row is in each of a few parts of its cells, shape (rows, n)."""
    parts = [np.zeros((len(codes), 0), np.float32)]
    for at, column in enumerate(columns):
        share = np.cumsum(column.counts) - column.counts / 2
        part = np.minimum(share / max(1, column.counts.sum()) * PARTS, PARTS - 1).astype(int)
        parts.append(np.eye(PARTS, dtype=np.float32)[part[codes[:, at]]])
    return np.concatenate(parts, axis=1)


class Balance:
    """What the rows so far lack.

    Args:
        columns: All columns of the rows.
        drawn: The columns that are drawn.
        beside: Known columns that these depend on.
    """

    def __init__(
        self, columns: Sequence[CellColumn], drawn: Sequence[int], beside: Sequence[int]
    ) -> None:
        self._drawn, self._beside = list(drawn), list(beside)
        self._columns = columns
        own, known = PARTS * len(self._drawn), PARTS * len(self._beside)
        self._paired = own * (own + known) <= _MOST_PAIRS
        self._lacking = np.zeros(own + own * (own + known) * self._paired, np.float32)

    def chosen(self, draws: Codes, rng: np.random.Generator) -> Codes:
        """One of the draws of each row, shape (rows, draws, columns)."""
        rows, count, width = draws.shape
        own = self._flags(draws.reshape(-1, width), self._drawn).reshape(rows, count, -1)
        known = self._flags(draws[:, 0], self._beside)
        picked = np.zeros(rows, np.int64)
        for row in rng.permutation(rows).tolist():
            counted = own[row]
            if self._paired:
                both = np.concatenate([counted, np.tile(known[row], (count, 1))], axis=1)
                pairs = counted[:, :, None] * both[:, None, :]
                counted = np.concatenate([counted, pairs.reshape(count, -1)], axis=1)
            picked[row] = best = int((counted @ self._lacking).argmax())
            self._lacking += counted.mean(axis=0) - counted[best]
        return np.asarray(draws[np.arange(rows), picked])

    def _flags(self, codes: Codes, places: list[int]) -> Flags:
        return flags(codes[:, places], [self._columns[at] for at in places])
