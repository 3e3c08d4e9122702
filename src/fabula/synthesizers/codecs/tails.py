"""Numbers beyond the ones that are shown: a generalised Pareto tail in place of real extremes.

The largest numbers are never learned. Where they hold a noticeable part of a column's total, new
ones come from a tail (Pickands 1975) that starts where the shown numbers end and has the mean of
the hidden ones; no single number counts for more than all the others together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEAVY, FEW = 0.02, 0.01
"""The part of a column's spread (its mean distance from the median) that hidden numbers hold where
they have a tail, and the part of its rows that they are at most."""

PARTS = 8
_STEEPEST = 1.5
_MIX = np.uint64(0x9E3779B97F4A7C15)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tail:
    """What lies beyond one end of a column.

    Attributes:
        share: The part of the end cell's rows that lies there.
        ends: Rising or falling numbers, between neighbours of which as many rows lie.
    """

    share: float
    ends: Floats

    @classmethod
    def of(cls, hidden: Floats, end: float, spread: float, rows: int, of: int) -> Tail | None:
        """The tail in place of hidden numbers, or None if it is light.

        Args:
            hidden: The hidden numbers beyond one end, in any order.
            end: The last number that is shown.
            spread: The sum of all numbers' distances from the median.
            rows: Rows of the end cell, the hidden ones included.
            of: Rows with a number.
        """
        beyond = np.sort(np.abs(hidden - end))
        if not 2 <= len(beyond) <= min(rows, FEW * of) or beyond.sum() <= HEAVY * spread:
            return None
        scale = max(abs(end), np.median(beyond))
        if scale == 0:  # most of them are not beyond
            return None
        beyond[-1] = min(beyond[-1], beyond[:-1].sum())
        mean, sign = beyond.mean(), 1.0 if hidden.mean() > end else -1.0
        steepness = np.log1p(beyond / scale).mean()
        steepness = float(np.clip(steepness, 0.1, _STEEPEST))
        levels = np.append(np.arange(PARTS) / PARTS, 1 - 0.5 / max(len(beyond), PARTS))
        shape = (1 - levels) ** -steepness - 1
        shape *= mean / ((shape[:-1] + shape[1:]) / 2).mean()
        return cls(len(beyond) / rows, end + sign * shape)

    def put(self, numbers: Floats, at: NDArray[np.int64], order: Floats) -> None:
        """Put numbers of the tail in place of some of an end cell's, by the order of their rows.

        Args:
            numbers: Numbers of all rows; changed in place.
            at: The rows that are in the end cell.
            order: A uniform number for each of them, the same in all columns.
        """
        count = int(np.floor(self.share * len(at) + 0.5))
        last = at[np.argsort(order)[len(at) - count :]]
        places = (np.arange(count) + 0.5) * PARTS / max(count, 1)
        numbers[last] = np.interp(places, np.arange(PARTS + 1), self.ends)


def row_order(numbers: NDArray[np.int64], seed: int) -> Floats:
    """A uniform number for each row, so that its columns meet in their tails."""
    mixed = (numbers.astype(np.uint64) + np.uint64(seed % 2**63) + np.uint64(1)) * _MIX
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _MIX
    return np.asarray((mixed ^ (mixed >> np.uint64(29))) >> np.uint64(11), float) / 2.0**53
