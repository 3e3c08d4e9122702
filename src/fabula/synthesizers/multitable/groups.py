"""Parents that are alike, so that a child can ask for one of a group.

A child that is drawn under one parent still has to find its others: which album a track of this
length is on, which product is in an order from Spain. The model draws the group of the other
parent, and a parent of that group with a place left is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.model import CellColumn, Codes

MOST = 48
ROWS_EACH = 40
"""A group has about that many children at least."""

_ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Groups:
    """Centres of groups of parents.

    Attributes:
        centres: Shape (groups, features) after `_points`; no centre means one group.
        cells: The parents' columns.
        each: Every parent is its own group; only for tables that are kept as they are.
        ranked: So many parents, those of most children, are groups of their own: what goes with a
            genre of which nothing but a name is known. New parents have a real one's place by
            their children, too. All others are one more group.
        parents: How many real parents there are, where some are ranked.
    """

    centres: NDArray[np.float64]
    cells: tuple[CellColumn, ...]
    each: int = 0
    ranked: int = 0
    parents: int = 0

    @classmethod
    def of(
        cls,
        codes: Codes,
        cells: tuple[CellColumn, ...],
        children: NDArray[np.int64],
        *,
        kept: bool,
        rng: np.random.Generator,
    ) -> Groups:
        """Group parents by Lloyd's algorithm on their codes, weighed by their children.

        Args:
            codes: The parents' codes, shape (parents, columns).
            cells: Their columns.
            children: How many children each has.
            kept: Whether the parents stay unchanged.
            rng: Chooses the first centres.
        """
        if kept and len(codes) <= MOST:
            return cls(np.zeros((0, 0)), cells, each=len(codes))
        points = _points(codes, cells)
        size = min(MOST, int(children.sum()) // ROWS_EACH, len(np.unique(points, axis=0)))
        if size < 2 or not points.size:
            often = (children >= PROTECTED_ROWS).sum()
            if len(codes) <= MOST and often > 1:
                return cls(np.zeros((0, 0)), cells, ranked=int(often), parents=len(codes))
            return cls(np.zeros((0, 0)), cells)
        weights = children + 1.0
        first = rng.choice(len(points), size, replace=False, p=weights / weights.sum())
        centres = points[first]
        for _ in range(_ROUNDS):
            nearest = _nearest(points, centres)
            totals = np.bincount(nearest, weights, minlength=size)
            sums = np.zeros_like(centres)
            np.add.at(sums, nearest, points * weights[:, None])
            filled = totals > 0
            centres[filled] = sums[filled] / totals[filled, None]
        return cls(centres, cells)

    @property
    def size(self) -> int:
        """How many groups there are."""
        return self.each or max(len(self.centres), self.ranked + 1)

    @property
    def as_column(self) -> CellColumn:
        """A group as a model's column."""
        return CellColumn("group", np.ones(self.size, np.int64), ordered=False, missing=False)

    def __call__(self, codes: Codes, children: NDArray[np.int64]) -> NDArray[np.int32]:
        """The group of each parent.

        Args:
            codes: The parents' codes.
            children: How many children each has.
        """
        if self.each:
            return np.arange(len(codes), dtype=np.int32)
        if self.ranked:
            place = np.empty(len(codes), np.int64)
            place[np.argsort(-children, kind="stable")] = np.arange(len(codes))
            real = (place + 0.5) / len(codes) * self.parents
            return np.minimum(real, self.ranked).astype(np.int32)
        if not len(self.centres):
            return np.zeros(len(codes), dtype=np.int32)
        return _nearest(_points(codes, self.cells), self.centres).astype(np.int32)


def _points(codes: Codes, cells: tuple[CellColumn, ...]) -> NDArray[np.float64]:
    """Codes as points: ordered columns as ranks, categories as one axis a common label."""
    axes: list[NDArray[np.float64]] = []
    for at, column in enumerate(cells):
        values = codes[:, at]
        if column.ordered:
            rank = np.cumsum(column.counts) / max(int(column.counts.sum()), 1)
            axes.append(rank[values])
        else:
            common = np.argsort(-column.counts, kind="stable")[:12]
            axes += [(values == code) * 0.7 for code in common[: max(column.cells - 1, 0)]]
    return np.column_stack(axes) if axes else np.zeros((len(codes), 0))


def _nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    distance = (centres**2).sum(axis=1) - 2 * points @ centres.T
    return np.asarray(distance.argmin(axis=1))
