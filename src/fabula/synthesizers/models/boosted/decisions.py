"""The decisions that lead to a column's cell: what they are, and how they are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn, Codes, Weights
from fabula.synthesizers.models.boosted.cell_tree import CellTree
from fabula.synthesizers.models.boosted.lines import (
    Line,
    fitted_level,
    flagged_level,
    is_regressed,
    learn_line,
)
from fabula.synthesizers.models.boosted.main_features import main_features
from fabula.synthesizers.models.boosted.odds import HALF, LOSS, PACKED, STEADY, UNIT, score
from fabula.synthesizers.models.boosted.prediction import LINK_BITS, Path, Trees
from fabula.synthesizers.models.boosted.training import BINS, Growth, Nodes, Rows, boost
from fabula.synthesizers.models.boosted.views import Feature

HELD_OUT = 0.1
"""The share of a level's rows that tells when to stop."""

FEW, RARE = 4_000, 400
"""A level of fewer rows, or of fewer that answer one way, is learned from all of them, with as
many trees as were best on average over several parts that were held out in turn: a tenth of few
rows is too noisy to tell."""

FEWEST_PARTS, MOST_PARTS, PARTS_OF_FEATURES = 4, 10, 200
"""Between that many parts: those of more features take longer, and are fewer."""

FEWEST = 50
"""A level of fewer rows has no trees: the shares of its nodes say all."""


SMALL_TREE = 4
"""Leaves of the trees that are tried where larger ones gain nothing: few rows may tell something
that the noise of many leaves hides."""

PATIENCE_OF_FEW = 15
"""Trees of few features without gain before boosting stops: little noise adds up in them."""

LEAST_OF_FLAG = 1.0
"""Least curvature of the rows of a rare flag, which are protected by their number already."""

DOUBTED_ROWS = 200
"""A node that that many drawn rows came by is believed by half."""

_MOST_MOVED = UNIT


Forest: TypeAlias = tuple[NDArray[np.int32], Nodes, int]
"""Trees of a level: where each starts, all nodes, and the most steps to a leaf."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """All decisions of one column.

    Attributes:
        tree: The tree of its cells.
        scores: The score of each node's own share of rows, from which its trees start.
        bins: The code of each node as a feature.
        forests: For each level the first root, the root after the last, and the most steps to a
            leaf; shape (levels, 3).
        trees: The trees of all levels.
        line: What earlier columns tell along a straight line, before the trees.
        order: The cell at each place of the tree, where these differ.
    """

    tree: CellTree
    scores: NDArray[np.int32]
    bins: NDArray[np.uint8]
    forests: NDArray[np.int32]
    trees: Trees
    line: Line
    order: NDArray[np.int64] | None = None

    def in_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of cells, by their places in the tree."""
        return values if self.order is None else values[self.order]

    def places_of(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        """The places of cells in the tree; -1 stays."""
        if self.order is None or not len(cells):
            return cells
        return np.append(np.argsort(self.order), -1)[cells].astype(np.int32)

    def settled(self, shares: NDArray[np.float64], passed: NDArray[np.int64]) -> Decisions:
        """The decisions with scores moved so that drawn rows go right as often as real ones.

        Args:
            shares: The real rows of each node that go right, as a share.
            passed: What drawn rows did, see `Walkers`.
        """
        rows = passed[:, 0]
        drawn = passed[:, 1] / 2.0**32 / np.maximum(rows, 1)
        moved = np.clip(score(shares) - score(drawn), -_MOST_MOVED, _MOST_MOVED)
        steps = np.where(rows > 0, np.rint(moved * rows / (rows + DOUBTED_ROWS)), 0)
        return replace(self, scores=(self.scores + steps).astype(np.int32))

    def path(self, weights: Weights | None) -> Path:
        """The way down to the cells that have a weight (all of them if there are none)."""
        tree = self.tree
        sides = np.full(len(tree.middle), 3, np.uint8)
        if weights is not None:
            sums = np.concatenate([[0], np.cumsum(self.in_order(weights) > 0)])
            left = sums[tree.middle] > sums[tree.first]
            sides = (left + 2 * (sums[tree.end] > sums[tree.middle])).astype(np.uint8)
        return Path(
            tree.middle,
            tree.children,
            self.scores,
            self.line.slopes,
            self.line.means,
            self.bins,
            self.forests,
            sides,
        )


def learn_decisions(
    at: int,
    codes: Codes,
    columns: Sequence[CellColumn],
    numbers: Sequence[NDArray[np.int32]],
    *,
    earlier: Sequence[int],
    features: Sequence[Feature],
    order: NDArray[np.int64] | None,
    growth: Growth,
    finer: tuple[float, ...] = (),
) -> Decisions:
    """Learn the decisions of one column from earlier ones.

    Args:
        at: The column's position.
        codes: Cells of all columns, shape (rows, columns).
        columns: All columns.
        numbers: `cell_scores` of all columns.
        earlier: Positions of the columns that it is predicted from.
        features: What trees see of them; the node is the last one, and has no codes yet.
        order: Its cells by likeness, if they are many labels.
        growth: How trees grow.
        finer: Shares of the least leaf that are tried, too, where rows are few.
    """
    column = columns[at]
    counts = column.counts if order is None else column.counts[order]
    tree = CellTree.balanced(counts, missing=column.missing)
    line = learn_line(at, tree, codes, columns, numbers, earlier=earlier)
    index = line.index(codes)
    cells = codes[:, at] if order is None else np.argsort(order)[codes[:, at]]
    scores = score(tree.shares(counts))
    node_bins = np.zeros(len(tree.middle), np.uint8)
    sizes = np.array([feature.size for feature in features])
    ordered = np.array([feature.ordered for feature in features])
    places = np.array([feature.place for feature in features], np.uint64)
    gradients = STEADY if finer else PACKED
    least = np.where([feature.rare for feature in features], LEAST_OF_FLAG, growth.least)
    parts, forests = [_NO_TREES], []
    roots = used = 0
    rows, node = np.arange(len(codes)), np.zeros(len(codes), np.int32)
    for first, last in tree.levels:
        count = last - first
        node_bins[first:last] = np.arange(count) * min(count, BINS) // count
        here = node[rows]
        answers = (cells[rows] >= tree.middle[here]).astype(np.uint8)
        starts_from = scores[here]
        if line.uses and len(rows) >= FEWEST:
            fitted = fitted_level if is_regressed(column) else flagged_level
            fitted(line, here, index[rows], answers=answers, scores=starts_from, span=(first, last))
            moved = starts_from + line.added(here, index[rows])
            starts_from = np.clip(moved, -HALF, HALF - 1).astype(np.int32)
        elif line.uses:
            line.slopes[first:last] = 0
        found = depth = 0
        if earlier and len(rows) >= FEWEST:
            seen = np.empty((len(features), len(rows)), np.uint8)
            for place, feature in enumerate(features[:-1]):
                np.take(feature.codes, rows, out=seen[place])
            seen[-1] = node_bins[here]
            level = Rows(
                len(rows), seen, sizes, ordered, least, answers, starts_from, gradients, LOSS
            )
            for starts, nodes, deep in _boosted(level, growth, finer):
                parts.append(_trees(starts, nodes, places, used))
                found, used = found + len(starts), used + len(nodes.child)
                depth = max(depth, deep)
        forests.append((roots, roots + found, depth))
        roots += found
        below = tree.children[here, answers.astype(int)]
        rows = rows[below >= 0]
        node[rows] = below[below >= 0]
    trees = Trees(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    return Decisions(
        tree, scores, node_bins, np.array(forests, np.int32).reshape(-1, 3), trees, line, order
    )


def _boosted(rows: Rows, growth: Growth, finer: tuple[float, ...]) -> list[Forest]:
    """The trees of a level; with `finer`, those of few features come before those of all."""
    main = main_features(rows) if finer else ()
    if not len(main) or len(main) == len(rows.bins):
        return [_grown(rows, growth, finer)]
    few = rows._replace(
        bins=np.ascontiguousarray(rows.bins[main]),
        sizes=rows.sizes[main],
        ordered=rows.ordered[main],
        least=rows.least[main],
    )
    first, rounds, share = _tried(few, growth._replace(patience=PATIENCE_OF_FEW), finer)
    before = few._replace(least=few.least * share), growth._replace(rounds=rounds, patience=rounds)
    starts, nodes, depth = first
    named = nodes._replace(feature=np.asarray(main, np.int16)[nodes.feature])
    return [(starts, named, depth), _grown(rows, growth, finer, before)]


def _grown(
    rows: Rows,
    growth: Growth,
    finer: tuple[float, ...],
    before: tuple[Rows, Growth] | None = None,
) -> Forest:
    return _tried(rows, growth, finer, before)[0]


def _tried(
    rows: Rows,
    growth: Growth,
    finer: tuple[float, ...],
    before: tuple[Rows, Growth] | None = None,
) -> tuple[Forest, int, float]:
    """The trees that were best on rows held out: how many, and the share of the least leaf.

    Args:
        rows: What is learned from.
        growth: How trees grow.
        finer: Shares of the least leaf that are tried where rows are few.
        before: Other features of the rows, and how trees of these grow that come first.
    """
    count, yes = len(rows.answers), int(rows.answers.sum())
    if count >= FEW and min(yes, count - yes) >= RARE:
        train = count - round(HELD_OUT * count)
        held = rows._replace(train=train, scores=_after(before, train, slice(None), rows.scores))
        start = held.scores.copy()
        found = boost(held, growth)
        if not len(found[0]):
            found = boost(held._replace(scores=start), growth._replace(leaves=SMALL_TREE))
        return found[:3], len(found[0]), 1.0
    parts = min(max(PARTS_OF_FEATURES // len(rows.bins), FEWEST_PARTS), MOST_PARTS)
    shares = (1.0, *finer)
    losses = np.zeros((len(shares), growth.rounds + 1))
    for part in range(parts):
        order = np.roll(np.arange(count), part * count // parts)
        train = count - count // parts
        fold = rows._replace(
            train=train,
            bins=np.take(rows.bins, order, axis=1),
            answers=rows.answers[order],
            scores=_after(before, train, order, rows.scores),
        )
        for at, share in enumerate(shares):
            own = fold._replace(least=rows.least * share, scores=fold.scores.copy())
            losses[at] += boost(own, growth)[-1]
    at, rounds = divmod(int(losses.argmin()), losses.shape[1])
    whole = rows._replace(
        least=rows.least * shares[at], scores=_after(before, count, slice(None), rows.scores)
    )
    return boost(whole, growth._replace(rounds=rounds))[:3], rounds, shares[at]


def _after(
    before: tuple[Rows, Growth] | None,
    train: int,
    order: NDArray[np.int64] | slice,
    scores: NDArray[np.int32],
) -> NDArray[np.int32]:
    """The scores of rows in an order, after the trees that come first, learned from `train`."""
    if before is None:
        return scores[order].copy()
    rows, growth = before
    own = rows._replace(
        train=train,
        bins=np.ascontiguousarray(rows.bins[:, order]),
        answers=rows.answers[order],
        scores=rows.scores[order].copy(),
    )
    if growth.rounds:
        boost(own, growth)
    return own.scores


_NO_TREES = Trees(
    np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.int32)
)


def _trees(roots: NDArray[np.int32], nodes: Nodes, places: NDArray[np.uint64], start: int) -> Trees:
    """Grown trees as they are walked: nodes numbered from `start`, features by their place."""
    moved = np.uint64(start)
    links = ((nodes.child.astype(np.uint64) + moved) << np.uint64(LINK_BITS)) + places[
        nodes.feature
    ]
    return Trees(roots.astype(np.uint64) + moved, nodes.right, links, nodes.value)
