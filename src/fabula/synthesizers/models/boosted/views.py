"""What a column tells beyond its own 64 codes: its labels as another column sees them, its places.

A column of many labels is seen by each column that is drawn after it through codes of its own:
labels after which that column is alike share one. A column of many numbers is seen by those that
follow it closely with a second code, the place inside the first one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.likeness import (
    grouped_cells,
    likeness_codes,
    likeness_order,
    profiles,
)
from fabula.synthesizers.model import CellColumn, Codes
from fabula.synthesizers.models.boosted.training import BINS

MOST_PLACES = 3
"""Columns that another one sees in finer places, at most: those that it follows most closely."""

CLOSE = 0.5
"""Nats that two columns have in common at least, if one sees the other in finer places."""


class Feature(NamedTuple):
    """What trees see of a column.

    Attributes:
        place: Its place among all features.
        codes: The code of each row.
        size: How many codes there are.
        ordered: Whether neighbouring codes are alike.
        rare: Whether it is a flag that few rows have.
    """

    place: int
    codes: NDArray[np.uint8]
    size: int
    ordered: bool
    rare: bool = False


@dataclass(frozen=True, eq=False)
class View:
    """A further feature.

    Attributes:
        column: The position of the column that is seen.
        codes: The code of each of its cells.
        ordered: Whether neighbouring codes are alike.
    """

    column: int
    codes: NDArray[np.uint8]
    ordered: bool

    def __call__(self, codes: Codes) -> NDArray[np.uint8]:
        """The code of each row."""
        return np.asarray(self.codes[codes[:, self.column]])

    def feature(self, place: int, rows: NDArray[np.uint8], *, rare: bool = False) -> Feature:
        """The view at its place, with the codes of the training rows."""
        return Feature(place, rows, int(self.codes.max()) + 1, self.ordered, rare)


def is_wide(column: CellColumn) -> bool:
    """Whether a column has more labels than a feature has codes."""
    return not column.ordered and column.cells > BINS


def likeness_orders(codes: Codes, columns: Sequence[CellColumn]) -> dict[int, NDArray[np.int64]]:
    """The cells of columns of many labels by likeness; of a column like no other, as they are."""
    orders: dict[int, NDArray[np.int64]] = {}
    wide = [at for at, column in enumerate(columns) if is_wide(column)]
    for others in (set(range(len(columns))) - set(wide), set(range(len(columns)))):
        groups = {at: group_of_rows(codes, columns, at, orders) for at in others if wide}
        found = {}
        for at in wide:
            column = columns[at]
            coordinates = [
                part
                for other in sorted(others - {at})
                if (part := profiles(codes[:, at], column.cells, groups[other],
                                     ordered=columns[other].ordered)) is not None
            ]  # fmt: skip
            if coordinates:
                known = column.cells - column.missing
                found[at] = likeness_order(coordinates, column.counts, known)
        orders = {**orders, **found}
    return orders


def group_of_rows(
    codes: Codes, columns: Sequence[CellColumn], at: int, orders: Mapping[int, NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The group of a column's cells that each row is in."""
    column = columns[at]
    groups = grouped_cells(column, orders.get(at, np.arange(column.cells)))
    return groups[codes[:, at]]


def views_of(
    at: int,
    codes: Codes,
    columns: Sequence[CellColumn],
    bins: NDArray[np.uint8],
    *,
    earlier: Sequence[int],
    orders: Mapping[int, NDArray[np.int64]],
) -> list[View]:
    """The views of earlier columns that one column has.

    Args:
        at: The column's position.
        codes: Cells of all columns, shape (rows, columns).
        columns: All columns.
        bins: Feature codes of all columns, shape (columns, rows).
        earlier: Positions of the columns that it is predicted from.
        orders: The cells of columns of many labels by likeness.
    """
    found: list[View] = []
    close: list[tuple[float, int]] = []
    groups = None
    for other in earlier:
        column = columns[other]
        is_place = column.marks is not None
        if is_wide(column) or (is_place and not columns[at].ordered):
            groups = group_of_rows(codes, columns, at, orders) if groups is None else groups
            alike = profiles(codes[:, other], column.cells, groups, ordered=columns[at].ordered)
            if alike is not None:
                found.append(View(other, likeness_codes(alike, column.counts), ordered=False))
        if column.marks is not None:
            found += [View(other, mark, ordered=True) for mark in column.marks]
        elif column.cells > BINS and column.ordered:
            nats = _in_common(bins[other], bins[at])
            close += [(nats, other)] if nats >= CLOSE else []
    for _, other in sorted(close, key=lambda item: -item[0])[:MOST_PLACES]:
        found.append(View(other, _places(bins[other], codes[:, other], columns[other]), True))
    return found


def _places(
    bins: NDArray[np.uint8], codes: NDArray[np.int32], column: CellColumn
) -> NDArray[np.uint8]:
    """The place of each cell among those that share its feature code."""
    shared = np.zeros(column.cells, np.int64)
    shared[codes] = bins
    first = np.searchsorted(np.maximum.accumulate(shared), shared)
    return np.asarray(np.minimum(np.arange(column.cells) - first, BINS - 1), np.uint8)


def _in_common(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The mutual information of two features in nats, less what chance gives."""
    counts = np.bincount(one.astype(np.int64) * BINS + other, minlength=BINS * BINS)
    shares = counts.reshape(BINS, BINS) / len(one)
    left, right = shares.sum(axis=1, keepdims=True), shares.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        nats = np.nansum(shares * np.log(shares / (left * right)))
    cells = ((shares > 0).sum() - (left > 0).sum() - (right > 0).sum() + 1) / (2 * len(one))
    return float(nats - cells)
