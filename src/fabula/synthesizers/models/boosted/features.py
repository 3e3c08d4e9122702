"""Columns as features: their codes below 64, the order they are drawn in, and which ones tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn
from fabula.synthesizers.models.boosted.training import BINS

MOST_FEATURES = 48
"""Earlier columns that a column is predicted from, at most: those that go with it most."""

RARE_FLAG = 0.02
"""A value of two is rare in a smaller share of the rows."""

_COMPARED_ROWS = 2_000
_COARSER = 1.2


def feature_codes(column: CellColumn, order: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
    """Each cell of a column as a feature's code below 64.

    Where there are more cells, rare neighbours share a code and common cells keep their own; of
    labels in no order, the most frequent keep their own.

    Args:
        column: The column.
        order: The order of its cells in which neighbours are alike, if they are labels.
    """
    cells = np.arange(column.cells)
    if column.cells <= BINS:
        return cells.astype(np.uint8)
    if order is not None:
        alike = feature_codes(replace(column, counts=column.counts[order], ordered=True))
        return alike[np.argsort(order)]
    if not column.ordered:
        return np.minimum(cells, BINS - 1).astype(np.uint8)
    known = column.counts[: column.cells - column.missing]
    fewest = known.sum() / (BINS * BINS)
    codes = _shared(known, fewest)
    while codes[-1] >= BINS - 1:
        fewest *= _COARSER
        codes = _shared(known, fewest)
    return np.append(codes, codes[-1] + 1)[: column.cells].astype(np.uint8)


def is_rare_flag(column: CellColumn) -> bool:
    """Whether a column has two values, of which one is rare."""
    known = column.counts[: column.cells - column.missing]
    return len(known) == 2 and int(known.min()) < RARE_FLAG * int(known.sum())


def drawing_order(columns: Sequence[CellColumn]) -> tuple[int, ...]:
    """Positions of columns from the one that tells most (in bits) to the one that tells least.

    Columns of many cells are hard to predict and easy to predict from; those of many labels come
    first, after places. Before them come rare flags, whose few rows tell little of what leads to
    the flag, and much of what goes with it. On the data sets that were tried, this order made the
    most realistic rows, and took the least time to learn.
    """

    def rank(at: int) -> tuple[bool, bool, bool, float]:
        column = columns[at]
        narrow = column.ordered or column.cells <= BINS
        return (not is_rare_flag(column), column.marks is None, narrow, -_bits(column))

    return tuple(sorted(range(len(columns)), key=rank))


def telling_columns(
    bins: NDArray[np.uint8], order: Sequence[int], rng: np.random.Generator
) -> dict[int, tuple[int, ...]]:
    """For each column the earlier ones that it is predicted from.

    Of many, those are taken that go with it most: by the largest correlation of their codes, of
    their distances from the mean, or of being in their first cell.

    Args:
        bins: Feature codes, shape (columns, rows).
        order: The columns' positions in the order in which they are drawn.
        rng: Decides which rows are compared.
    """
    earlier = {at: tuple(order[:place]) for place, at in enumerate(order)}
    if len(order) <= MOST_FEATURES + 1:
        return earlier
    rows = rng.permutation(bins.shape[1])[:_COMPARED_ROWS]
    codes = bins[:, rows].astype(np.float32)
    views = [codes, np.abs(codes - codes.mean(axis=1, keepdims=True)), (codes == 0).astype("f4")]
    standard = np.concatenate([_standard(view) for view in views])
    together = np.abs(standard @ standard.T)
    width = len(views)
    strength = together.reshape(width, len(bins), width, len(bins)).max(axis=(0, 2))
    return {
        at: tuple(sorted(others, key=lambda other: -float(strength[at, other]))[:MOST_FEATURES])
        for at, others in earlier.items()
    }


def _shared(counts: NDArray[np.int64], fewest: float) -> NDArray[np.int64]:
    """Rising codes of cells; neighbours share one until it has `fewest` rows."""
    codes = np.zeros(len(counts), np.int64)
    code, rows = 0, 0
    for cell, count in enumerate(counts.tolist()):
        if rows and (rows >= fewest or count >= fewest):
            code, rows = code + 1, 0
        codes[cell] = code
        rows += count
    return codes


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of a matrix with mean 0 and length 1 (or 0 where they don't vary)."""
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.asarray(centred / np.where(length > 0, length, 1), dtype=np.float32)


def _bits(column: CellColumn) -> float:
    shares = column.counts[column.counts > 0] / max(1, int(column.counts.sum()))
    return float(-(shares * np.log2(shares)).sum())
