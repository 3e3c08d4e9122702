"""SMOTE-NC (Chawla et al. 2002): rows between two neighbours of the minority, as a comparison."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 5


def smote(
    rows: NDArray[np.float64], categorical: NDArray[np.bool_], amount: int, *, seed: int = 0
) -> NDArray[np.float64]:
    """New rows between rows of a minority and their neighbours.

    Numbers are scaled to a deviation of 1, which is what another category counts, too.

    Args:
        rows: The minority's rows; categories as codes.
        categorical: Which columns are categories.
        amount: How many new rows.
        seed: Decides which rows and neighbours.
    """
    rng = np.random.default_rng(seed)
    numbers = np.nan_to_num(rows[:, ~categorical])
    spread = numbers.std(axis=0)
    scaled = numbers / np.where(spread, spread, 1.0)
    base = rng.integers(0, len(rows), amount)
    count = min(NEIGHBOURS, len(rows) - 1)
    if not count:
        return rows[base]
    near = np.empty((len(rows), count), np.int64)
    for at in range(len(rows)):  # a minority is small
        distance = ((scaled - scaled[at]) ** 2).sum(axis=1)
        distance += (rows[:, categorical] != rows[at, categorical]).sum(axis=1)
        distance[at] = np.inf
        near[at] = np.argsort(distance, kind="stable")[:count]
    other = near[base, rng.integers(0, count, amount)]
    made = rows[base].copy()
    step = rng.random((amount, 1))
    made[:, ~categorical] += step * (rows[other][:, ~categorical] - rows[base][:, ~categorical])
    for column in np.flatnonzero(categorical):  # the value that most neighbours have
        votes = rows[near[base], column]
        same = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
        made[:, column] = votes[np.arange(amount), same.argmax(axis=1)]
    return made
