"""Drawing indices by weight: exact inversion through a guide table, and bounded Zipf ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_HEAD = 65_536
"""Zipf ranks that are drawn from a table; beyond them the sum is its integral to 1e-10."""


class Weighted:
    """Indices 0 … k-1 with given weights, one uniform number each.

    Inversion of the cumulative weights, started from a guide table
    (Chen and Asau 1974, "On generating random variates from an empirical distribution").
    """

    def __init__(self, weights: Sequence[float] | Floats) -> None:
        numbers = np.asarray(weights, dtype=np.float64)
        with np.errstate(over="ignore"):
            total = np.cumsum(numbers)
        if not np.isfinite(total[-1]):  # each is finite, their sum is not
            total = np.cumsum(numbers / numbers.max())
        self._cdf = total / total[-1]
        last = int(np.searchsorted(self._cdf, 1.0))
        self._cdf[last:] = np.inf
        self._cells = 1 << max(10, (2 * len(self._cdf) - 1).bit_length())
        edges = np.arange(self._cells) / self._cells
        self._guide = np.searchsorted(self._cdf, edges, side="right").astype(np.int32)

    def at(self, u: Floats) -> Indices:
        """The index at each cumulative share `u` in [0, 1)."""
        index = self._guide.take((u * self._cells).astype(np.intp)).astype(np.int64)
        late = np.flatnonzero(self._cdf.take(index) <= u)
        while len(late):
            index[late] += 1
            late = late[self._cdf[index[late]] <= u[late]]
        return index

    def draw(self, rng: np.random.Generator, n: int) -> Indices:
        """`n` indices."""
        return self.at(rng.random(n))


class ZipfRanks:
    """Ranks 0 … k-1 with probability proportional to (rank + 1) ** -exponent.

    The head is tabulated; the tail's sum is replaced by its midpoint integral, whose relative
    error beyond rank 65,536 is below 1e-9, so memory stays flat for any k.
    """

    def __init__(self, k: int, exponent: float) -> None:
        self._k, self._s = k, exponent
        head = np.arange(1, min(k, _HEAD) + 1, dtype=np.float64) ** -exponent
        tail = self._integral(k + 0.5) - self._integral(_HEAD + 0.5) if k > _HEAD else 0.0
        self._head_share = float(head.sum() / (head.sum() + tail))
        self._head = Weighted(head)

    def at(self, u: Floats) -> Indices:
        """The rank at each cumulative share `u` in [0, 1)."""
        if self._k <= _HEAD:
            return self._head.at(u)
        tail = u >= self._head_share
        share = np.minimum(u / self._head_share, np.nextafter(1.0, 0.0))
        ranks = self._head.at(share)
        part = (u[tail] - self._head_share) / (1.0 - self._head_share)
        low, high = self._integral(_HEAD + 0.5), self._integral(self._k + 0.5)
        x = self._inverse(low + part * (high - low))
        ranks[tail] = np.clip(np.rint(x).astype(np.int64), _HEAD + 1, self._k) - 1
        return ranks

    def draw(self, rng: np.random.Generator, n: int) -> Indices:
        """`n` ranks."""
        return self.at(rng.random(n))

    def _integral(self, x: float) -> float:
        if self._s == 1.0:
            return float(np.log(x))
        return float((x ** (1.0 - self._s) - 1.0) / (1.0 - self._s))

    def _inverse(self, y: Floats) -> Floats:
        if self._s == 1.0:
            return np.exp(y)
        return (1.0 + y * (1.0 - self._s)) ** (1.0 / (1.0 - self._s))
