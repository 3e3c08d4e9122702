"""Where the cells of a numeric column start and end; what few people have is in no cell alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FEWEST_CELLS, MOST_CELLS, ROWS_OF_CELL = 64, 512, 100
"""A column is cut into an interval for that many rows, within these bounds."""

COMMON = 0.002
"""A value of at least this share of the rows is its own cell."""

_REDRAWS = 16

SEGMENTS = 8
"""Parts of an interval between whose quantiles values are drawn, at most: each has as many rows as
are protected."""


def sorted_numbers(
    numbers: NDArray[np.float64], people: NDArray[np.int64] | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The known numbers, rising, and which of them count: one of each person's equal ones."""
    known = ~np.isnan(numbers)
    if people is None:
        return np.sort(numbers[known]), np.ones(int(known.sum()), bool)
    order = np.lexsort((people[known], numbers[known]))
    rising, who = numbers[known][order], people[known][order]
    heads = np.ones(len(rising), bool)
    heads[1:] = (np.diff(rising) != 0) | (np.diff(who) != 0)
    return rising, heads


def without_extremes(heads: NDArray[np.bool_], protect: int) -> slice:
    """Where the numbers are that are none of the smallest and largest, of as many people each."""
    counted, size = np.cumsum(heads), len(heads)
    if not protect or not size:
        return slice(0, size)
    low = np.searchsorted(counted, protect) + 1
    high = size - np.searchsorted(counted, counted[-1] - protect, "right")
    most = (size - 1) // 3
    return slice(min(low, most), size - min(high, most))


def bounds_of(
    numbers: NDArray[np.float64], heads: NDArray[np.bool_], least: int
) -> list[tuple[int, int]]:
    """Where cells start and end in sorted numbers.

    A common number is a cell, and where few numbers differ each one is; others are gathered until
    a cell has its share of the rest. Rare ones between two common ones are in no cell.
    """
    cells = min(max(len(numbers) // ROWS_OF_CELL, FEWEST_CELLS), MOST_CELLS)
    _, starts, counts = np.unique(numbers, return_index=True, return_counts=True)
    if not len(numbers):
        return []
    people = np.add.reduceat(heads, starts, dtype=np.int64)
    few = len(starts) <= 2 * cells
    common = max(least, 1 if few else COMMON * len(numbers))
    are_common = (counts >= common) & (people >= least)
    left = max(cells // 2, cells - int(are_common.sum()))
    share = max(least, 1 if few else counts[~are_common].sum() / left)
    found: list[tuple[int, int]] = []
    gathered = rows = who = 0
    after_common = False
    each = zip(starts.tolist(), counts.tolist(), people.tolist(), are_common.tolist(), strict=True)
    for start, count, theirs, alone in [*each, (len(numbers), 0, 0, True)]:
        if not alone:
            gathered = gathered if rows else start
            rows, who = rows + count, who + theirs
            if rows < share or who < least:
                continue
        if who >= least:
            found.append((gathered, start if alone else start + count))
        elif rows and found and not after_common:
            found[-1] = (found[-1][0], start)  # too few of their own: a part of those before
        if count and alone:
            found.append((start, start + count))
        after_common, rows, who = alone, 0, 0
    return found or [(0, len(numbers))]


def quantiles(numbers: NDArray[np.float64], pieces: int) -> NDArray[np.float64]:
    """The ends of some parts of the sorted numbers, then the last number again."""
    places = np.full(SEGMENTS + 1, len(numbers) - 1)
    places[: pieces + 1] = np.linspace(0, len(numbers) - 1, pieces + 1).astype(int)
    return np.asarray(numbers[places])


def apart(
    numbers: NDArray[np.float64],
    again: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    ends: tuple[float, float],
) -> NDArray[np.float64]:
    """Whole numbers of which none comes twice, as far as there is room between the ends.

    Args:
        numbers: The numbers.
        again: Draws other ones for some rows.
        ends: The least and the largest number that there may be.
    """
    found = numbers.copy()
    for _ in range(_REDRAWS):
        rows = np.setdiff1d(np.arange(len(found)), np.unique(found, return_index=True)[1])
        if not len(rows):
            return found
        found[rows] = again(rows)
    free = np.setdiff1d(np.arange(ends[0], ends[1] + 1), found)
    rows = np.setdiff1d(np.arange(len(found)), np.unique(found, return_index=True)[1])
    for row in rows[: len(free)]:
        nearest = int(np.abs(free - found[row]).argmin())
        found[row], free = free[nearest], np.delete(free, nearest)
    return found
