"""Parents that are alike, so that a child can ask for one of a group.

A child that is drawn under one parent still has to find its others: which album a track of this
length is on, which product is in an order from Spain. The model draws the group of the other
parent, and a parent of that group with a place left is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.likeness import likeness_order
from fabula.synthesizers.model import CellColumn, Codes, Weights
from fabula.synthesizers.multitable.balance import PARTS, flags
from fabula.synthesizers.multitable.foreign_keys import Rows
from fabula.synthesizers.multitable.layout import Seen

MOST = 48
ROWS_EACH = 40
"""A group has about that many children at least."""

_ROUNDS = 12

_COMPARED, _LEAST_WEIGHT = 20_000, 0.1
"""Children that are compared; a column that tells nothing counts as this."""


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
        weights: How much each of the parents' columns counts; all count alike if there are none.
    """

    centres: NDArray[np.float64]
    cells: tuple[CellColumn, ...]
    each: int = 0
    ranked: int = 0
    parents: int = 0
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(
        cls,
        parents: Seen,
        children: NDArray[np.int64],
        weights: Weights,
        *,
        kept: bool,
        rng: np.random.Generator,
    ) -> Groups:
        """Group parents by Lloyd's algorithm on their codes, weighed by their children.

        Args:
            parents: The parents.
            children: How many children each has.
            weights: How much each column tells of children, see `telling`.
            kept: Whether the parents stay unchanged.
            rng: Chooses the first centres.
        """
        codes, cells = parents.codes, parents.cells
        if kept and len(codes) <= MOST:
            return cls(np.zeros((0, 0)), cells, each=len(codes))
        points = _points(codes, cells, weights)
        size = min(MOST, int(children.sum()) // ROWS_EACH, len(np.unique(points, axis=0)))
        if size < 2 or not points.size:
            ranked = int((children >= PROTECTED_ROWS).sum())
            if len(codes) <= MOST and ranked > 1:
                return cls(np.zeros((0, 0)), cells, ranked=ranked, parents=len(codes))
            return cls(np.zeros((0, 0)), cells)
        often = children + 1.0
        first = rng.choice(len(points), size, replace=False, p=often / often.sum())
        centres = points[first]
        for _ in range(_ROUNDS):
            nearest = _nearest(points, centres)
            totals = np.bincount(nearest, often, minlength=size)
            sums = np.zeros_like(centres)
            np.add.at(sums, nearest, points * often[:, None])
            filled = totals > 0
            centres[filled] = sums[filled] / totals[filled, None]
        used = np.flatnonzero(totals)
        order = likeness_order([centres[used]], totals[used], len(used))
        return cls(centres[used][order], cells, weights=weights)

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
        return _nearest(_points(codes, self.cells, self.weights), self.centres).astype(np.int32)


def telling(parents: Seen, rows: Rows, children: Seen, rng: np.random.Generator) -> Weights:
    """How much each of the parents' columns tells of their children, 1 for the one that tells most.

    That is its mutual information with the children's columns, less what other parents' values
    give by chance.

    Args:
        parents: The parents.
        rows: The parent of each child; -1 for none.
        children: What is known of the children.
        rng: Chooses children and other parents.
    """
    there = np.flatnonzero(rows >= 0)
    there = rng.permutation(there)[:_COMPARED]
    if not len(there) or not parents.cells or not children.cells:
        return np.ones(len(parents.cells))
    above, below = (
        flags(parents.codes, parents.cells), flags(children.codes[there], children.cells)
    )  # fmt: skip
    own, others = rows[there], rng.permutation(len(parents.codes))[rows[there]]
    found = _in_common(above[own], below) - 2 * _in_common(above[others], below)
    told = np.maximum(found, 0).sum(axis=1)
    if not told.any():
        return np.ones(len(told))
    return np.asarray(np.maximum(np.sqrt(told / told.max()), _LEAST_WEIGHT))


def _in_common(above: NDArray[np.float32], below: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mutual information of each two columns in nats, from their flags."""
    shares = (above.T @ below).astype(float) / len(above)
    shares = shares.reshape(-1, PARTS, shares.shape[1] // PARTS, PARTS).transpose(0, 2, 1, 3)
    chance = shares.sum(axis=3, keepdims=True) * shares.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nansum(shares * np.log(shares / chance), axis=(2, 3)))


def _points(codes: Codes, cells: tuple[CellColumn, ...], weights: Weights) -> NDArray[np.float64]:
    """Codes as points: ordered columns as ranks, categories as one axis a common label."""
    axes: list[NDArray[np.float64]] = []
    for at, column in enumerate(cells):
        values, weight = codes[:, at], weights[at] if len(weights) else 1.0
        if column.ordered:
            rank = np.cumsum(column.counts) / max(int(column.counts.sum()), 1)
            axes.append(rank[values] * weight)
        else:
            common = np.argsort(-column.counts, kind="stable")[:12]
            axes += [(values == code) * 0.7 * weight for code in common[: max(column.cells - 1, 0)]]
    return np.column_stack(axes) if axes else np.zeros((len(codes), 0))


def _nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    distance = (centres**2).sum(axis=1) - 2 * points @ centres.T
    return np.asarray(distance.argmin(axis=1))
