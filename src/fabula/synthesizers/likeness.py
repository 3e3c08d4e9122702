"""Labels in an order in which those with the same company are neighbours.

What stands in the other columns of a label's rows is its profile. Labels are split where their
profiles differ most, again and again (a regression tree of profiles), so that a model of few
codes can tell many labels apart, as far as they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn

CODES = 64
"""Codes of a feature, at most."""

GROUPS = 32
"""Groups of another column's cells that a profile counts, at most."""

SHRUNK = 2.0
"""Rows of the whole table that a profile is mixed with: few rows tell little."""

DEVIATIONS = 4.0
"""Profiles of labels differ if their spread is that many standard deviations above chance."""

_DIMENSIONS, _FEWEST_SPLIT = 8, 4

Floats = NDArray[np.float64]


def grouped_cells(column: CellColumn, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """A group for each cell of a column: runs of cells of about as many rows each."""
    counts = column.counts[order]
    groups = np.zeros(column.cells, np.int64)
    share = (np.cumsum(counts) - counts / 2) / max(1, counts.sum())
    groups[order] = np.minimum(share * GROUPS, GROUPS - 1).astype(np.int64)
    return np.unique(groups, return_inverse=True)[1]


def profiles(
    labels: NDArray[Any],
    cells: int,
    groups: NDArray[np.int64],
    *,
    ordered: bool,
    shrunk: float = SHRUNK,
) -> Floats | None:
    """Coordinates of labels, shape (cells, dimensions); None if all labels are alike.

    Args:
        labels: The label of each row.
        cells: How many labels there are.
        groups: The group of another column that each row is in.
        ordered: Whether neighbouring groups are alike.
        shrunk: Rows of the whole table that every profile is mixed with.
    """
    size = int(groups.max(initial=0)) + 1
    counts = np.bincount(labels * np.int64(size) + groups, minlength=cells * size)
    counts = counts.reshape(cells, size).astype(float)
    rows, share = counts.sum(axis=1, keepdims=True), counts.mean(axis=0)
    share /= max(share.sum(), 1e-9)
    expected = rows * share
    away = np.divide((counts - expected) ** 2, expected, out=np.zeros_like(counts),
                     where=expected > 0).sum()  # fmt: skip
    free = float(((rows > 0).sum() - 1) * ((share > 0).sum() - 1))
    if away <= free + DEVIATIONS * np.sqrt(2 * free):
        return None
    shares = (counts + shrunk * share) / (rows + shrunk)
    return np.asarray(np.cumsum(shares, axis=1)[:, :-1] if ordered else np.sqrt(shares))


def likeness_order(
    coordinates: Sequence[Floats], counts: NDArray[np.int64], known: int
) -> NDArray[np.int64]:
    """Cells in the order of their likeness; cells from `known` on stay last."""
    weights = counts[:known].astype(float) + 1e-9
    runs = _split(main_axes([part[:known] for part in coordinates], weights), weights, known)
    return np.append(np.concatenate(runs), np.arange(known, len(counts)))


def main_axes(coordinates: Sequence[Floats], weights: Floats) -> Floats:
    """Labels along the few axes on which they differ most."""
    together = np.concatenate(coordinates, axis=1)
    centred = together - np.average(together, axis=0, weights=weights)
    _, axes = np.linalg.eigh(centred.T @ (centred * weights[:, None]))
    return np.asarray(centred @ axes[:, -_DIMENSIONS:])


def likeness_codes(coordinates: Floats, counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A code below 64 for each label: labels of a code are alike."""
    codes = np.zeros(len(counts), np.uint8)
    for code, run in enumerate(_split(coordinates, counts.astype(float) + 1e-9, CODES)):
        codes[run] = code
    return codes


def _split(places: Floats, weights: Floats, most: int) -> list[NDArray[np.int64]]:
    """Runs of labels, at most that many, in the order of their likeness."""
    everyone = np.arange(len(places))
    runs: list[tuple[str, NDArray[np.int64]]] = []
    waiting: list[tuple[float, str, NDArray[np.int64], NDArray[np.int64]]] = []

    def put(path: str, run: NDArray[np.int64]) -> None:
        found = _best_cut(places, weights, run) if len(run) >= 2 else None
        if found is None or (most > CODES and len(run) < _FEWEST_SPLIT):
            runs.append((path, run))
        else:
            heappush(waiting, (-found[0], path, found[1], found[2]))

    put("", everyone)
    while waiting and len(runs) + len(waiting) < most:
        _, path, low, high = heappop(waiting)
        put(path + "0", low)
        put(path + "1", high)
    runs += [(path, np.concatenate([low, high])) for _, path, low, high in waiting]
    return [run for _, run in sorted(runs, key=lambda item: item[0])]


def _best_cut(
    places: Floats, weights: Floats, run: NDArray[np.int64]
) -> tuple[float, NDArray[np.int64], NDArray[np.int64]] | None:
    """The cut along one axis that leaves least spread on both sides; what it gains, the sides."""
    near, weight = places[run], weights[run]
    order = np.argsort(near, axis=0, kind="stable")
    rows = np.cumsum(weight[order], axis=0)
    sums = np.cumsum(np.take_along_axis(near, order, axis=0) * weight[order], axis=0)
    left, total, whole = rows[:-1], rows[-1], sums[-1]
    gains = sums[:-1] ** 2 / left + (whole - sums[:-1]) ** 2 / (total - left) - whole**2 / total
    cut, axis = np.unravel_index(int(gains.argmax()), gains.shape)
    if gains[cut, axis] <= 1e-9 * total[axis]:
        return None
    along = run[order[:, axis]]
    return float(gains[cut, axis]), along[: cut + 1], along[cut + 1 :]
