"""`boosted`: rows drawn column by column, each decision by gradient-boosted trees.

p(row) = Π p(cell of column j | cells of earlier columns), and a cell is reached by yes-or-no
decisions in a mass-balanced tree of the column's cells. All decisions of one level of that tree
share a forest whose features are the earlier columns and the node; it starts from the node's own
share of the rows, and trees are added while they help on held-out rows. Near the idea of
"Unmasking Trees for Tabular Data" (McCarter 2024).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.streams import stream
from fabula.synthesizers.boosted.cell_tree import CellTree
from fabula.synthesizers.boosted.growing import BINS, Growth, boost
from fabula.synthesizers.boosted.odds import LOSS, MOST_ROWS, PACKED, THRESHOLDS, score
from fabula.synthesizers.boosted.walking import Trees, walk
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights

HELD_OUT = 0.1
FEWEST = 200
"""A level with fewer rows has no trees: its nodes' shares say all."""

PARTICLES = 8
"""Drawn completions of a row, of which one is chosen."""

_NONE = np.zeros(0, np.int32)


@dataclass(frozen=True, eq=False)
class Decisions:
    """All decisions of one column.

    Attributes:
        tree: The tree of its cells.
        scores: The score of each node's own share.
        node_bins: The code of each node as a feature.
        forests: For each level the first root, the root after the last, and the depth; shape
            (levels, 3).
        trees: The trees of all levels.
    """

    tree: CellTree
    scores: NDArray[np.int32]
    node_bins: NDArray[np.uint8]
    forests: NDArray[np.int32]
    trees: Trees


@dataclass(frozen=True, eq=False)
class Boosted:
    """A fitted model.

    Attributes:
        columns: The columns, in the table's order.
        order: Positions of the columns in the order in which they are drawn.
        decisions: By position, the decisions of each column.
        context: Positions of columns that are always known, and so never drawn.
    """

    columns: tuple[CellColumn, ...]
    order: tuple[int, ...]
    decisions: tuple[Decisions, ...]
    context: frozenset[int] = frozenset()

    @classmethod
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        rounds: int = Growth().rounds,
        rate: float = Growth().rate,
        leaves: int = Growth().leaves,
        workers: int = 0,
        context: tuple[int, ...] = (),
    ) -> Boosted:
        """Learn rows.

        Args:
            codes: Training rows.
            columns: The columns of `codes`.
            seed: Decides which rows tell when to stop.
            progress: Called with columns done and columns in all.
            rounds: Most trees of a level.
            rate: Learning rate.
            leaves: Most leaves of a tree.
            workers: Columns learned at the same time; 0 for one a core. Changes nothing else.
            context: Positions of columns that will always be known; with some, columns are drawn
                in the order in which they stand.
        """
        rng = stream(seed, "boosted", "rows", 0)
        rows = rng.permutation(len(codes))[:MOST_ROWS]
        bins = np.stack([_bins(column)[codes[rows, at]] for at, column in enumerate(columns)])
        growth = Growth(rounds=rounds, rate=rate, leaves=leaves)
        order = tuple(range(len(columns)))
        lock, done = Lock(), [0]

        def learn(place: int) -> Decisions:
            at, earlier = order[place], order[:place]
            if at in context:
                earlier = ()
            found = _learn_column(codes[rows, at], columns[at], bins, columns, earlier, growth)
            with lock:
                done[0] += 1
                progress(done[0], len(columns))
            return found

        costly_first = sorted(range(len(order)), key=lambda at: -at)
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            found = dict(zip(costly_first, pool.map(learn, costly_first), strict=True))
        by_position = {order[place]: found[place] for place in found}
        decisions = tuple(by_position[at] for at in range(len(columns)))
        return cls(columns, order, decisions, frozenset(context))

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing beyond the card."""
        return ()

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; decisions that `allowed` leaves no choice are weighed."""
        codes = np.zeros((rows, len(self.columns)), np.int32)
        log_weights = np.zeros(rows)
        bins = np.zeros((rows, len(self.columns) + 1), np.uint8)
        for at in self.order:
            weights = allowed.get(at)
            codes[:, at] = self._draw(at, bins, rng, weights, _NONE, log_weights)
            if weights is not None:
                with np.errstate(divide="ignore"):
                    log_weights += np.log(weights)[codes[:, at]]
        return Drawn(codes, log_weights if allowed else None)

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw what is unknown: several completions of a row, of which one is chosen by weight.

        One is enough where nothing known comes after something unknown.
        """
        drawn = [at for at in self.order if at not in self.context]
        count = PARTICLES if (~known[:, drawn[:-1]] & known[:, drawn[1:]]).any() else 1
        particles = np.repeat(codes, count, axis=0)
        stands = np.repeat(known, count, axis=0)
        log_weights = np.zeros(len(particles))
        bins = np.zeros((len(particles), len(self.columns) + 1), np.uint8)
        for at in self.order:
            if at in self.context:
                bins[:, at] = self._column_bins[at][particles[:, at]]
                continue
            targets = np.where(stands[:, at], particles[:, at], -1).astype(np.int32)
            particles[:, at] = self._draw(at, bins, rng, None, targets, log_weights)
        if count == 1:
            return Drawn(particles)
        weights = log_weights.reshape(-1, count)
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        sums = np.cumsum(weights, axis=1)
        chosen = (rng.random((len(codes), 1)) * sums[:, -1:] >= sums).sum(axis=1)
        return Drawn(particles[np.arange(len(codes)) * count + chosen])

    def state(self) -> State:
        """The model as plain values: the columns' arrays, one after the other."""
        arrays: dict[str, NDArray[Any]] = {
            "order": np.array(self.order, np.int32),
            "context": np.array(sorted(self.context), np.int32),
        }
        for name in ("scores", "node_bins", "forests"):
            arrays[name] = np.concatenate([getattr(item, name) for item in self.decisions])
        for name in Trees._fields:
            arrays[name] = np.concatenate([getattr(item.trees, name) for item in self.decisions])
        sizes = [
            (len(item.forests), len(item.trees.roots), len(item.trees.link))
            for item in self.decisions
        ]
        arrays["sizes"] = np.array(sizes, np.int64)
        return State({}, arrays)

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Boosted:
        """The model of a state."""
        arrays = state.arrays
        at = np.concatenate([[[0, 0, 0]], np.cumsum(arrays["sizes"], axis=0)])
        decisions: list[Decisions] = []
        node = 0
        for number, column in enumerate(columns):
            tree = CellTree.balanced(column.counts)
            (level, root, place), (level_, root_, place_) = at[number], at[number + 1]
            nodes = slice(node, node + len(tree.middle))
            node = nodes.stop
            places = slice(place, place_)
            trees = Trees(
                arrays["roots"][root:root_], *(arrays[name][places] for name in Trees._fields[1:])
            )
            decisions.append(
                Decisions(
                    tree,
                    arrays["scores"][nodes],
                    arrays["node_bins"][nodes],
                    arrays["forests"][level:level_],
                    trees,
                )
            )
        order, context = (tuple(map(int, arrays[name])) for name in ("order", "context"))
        return cls(columns, order, tuple(decisions), frozenset(context))

    @cached_property
    def _column_bins(self) -> tuple[NDArray[np.uint8], ...]:
        return tuple(_bins(column) for column in self.columns)

    def _draw(
        self,
        at: int,
        bins: NDArray[np.uint8],
        rng: np.random.Generator,
        weights: Weights | None,
        targets: NDArray[np.int32],
        log_weights: Weights,
    ) -> NDArray[np.int32]:
        """Draw one column and note its bins."""
        item, rows = self.decisions[at], len(bins)
        codes = np.zeros(rows, np.int32)
        if len(item.forests):
            walk(
                bins, np.array(item.tree.levels, np.int32), item.tree.middle, item.tree.children,
                item.scores, item.node_bins, item.forests, item.trees, THRESHOLDS,
                rng.integers(0, 2**64, rows, np.uint64), _sides(item.tree, weights),
                targets, codes, log_weights,
            )  # fmt: skip
        bins[:, at] = self._column_bins[at][codes]
        return codes


def _bins(column: CellColumn) -> NDArray[np.uint8]:
    """Each cell of a column as a feature's code below 64.

    Neighbouring cells of many share a code so that each has about as many rows; of labels the
    most frequent keep their own.
    """
    cells = np.arange(column.cells)
    if column.cells <= BINS:
        return cells.astype(np.uint8)
    if not column.ordered:
        return np.minimum(cells, BINS - 1).astype(np.uint8)
    shares = np.cumsum(column.counts) / max(1, int(column.counts.sum()))
    _, codes = np.unique(np.floor(shares * (BINS - 1) * (1 - 1e-9)), return_inverse=True)
    if column.missing:
        codes[-1] = codes[-2] + 1
    return codes.astype(np.uint8)


def _learn_column(
    codes: NDArray[np.int32],
    column: CellColumn,
    bins: NDArray[np.uint8],
    columns: Sequence[CellColumn],
    earlier: Sequence[int],
    growth: Growth,
) -> Decisions:
    """The decisions of one column, given the earlier ones."""
    tree = CellTree.balanced(column.counts)
    sums = np.concatenate([[0], np.cumsum(column.counts)])
    right = sums[tree.end] - sums[tree.middle]
    total = sums[tree.end] - sums[tree.first]
    scores = score((right + 0.5) / (total + 1.0))
    node_bins = np.zeros(len(tree.middle), np.uint8)
    parts: list[Trees] = []
    forests: list[tuple[int, int, int]] = []
    sizes = np.array([_width(columns[at]) for at in earlier] + [BINS])
    ordered = np.array([columns[at].ordered for at in earlier] + [True])
    node = np.zeros(len(codes), np.int32)
    rows = np.arange(len(codes))
    roots = used = 0
    for first, last in tree.levels:
        count = last - first
        node_bins[first:last] = np.arange(count) * min(count, BINS) // count
        at = node[rows]
        answers = (codes[rows] >= tree.middle[at]).astype(np.uint8)
        found, depth = 0, 0
        if earlier and len(rows) >= FEWEST:
            features = np.empty((len(earlier) + 1, len(rows)), np.uint8)
            for place, other in enumerate(earlier):
                np.take(bins[other], rows, out=features[place])
            features[-1] = node_bins[at]
            train = len(rows) - max(30, round(HELD_OUT * len(rows)))
            *nodes, depth = boost(
                features, sizes, ordered, answers, scores[at], train, growth, PACKED, LOSS
            )
            parts.append(_trees(nodes, np.array([*earlier, len(columns)]), used))
            found, used = len(nodes[0]), used + len(nodes[1])
        forests.append((roots, roots + found, depth))
        roots += found
        below = tree.children[at, answers.astype(int)]
        going = below >= 0
        rows = rows[going]
        node[rows] = below[going]
    return Decisions(
        tree, scores, node_bins, np.array(forests, np.int32).reshape(-1, 3), _joined(parts)
    )


def _width(column: CellColumn) -> int:
    return int(_bins(column).max()) + 1


def _trees(nodes: Sequence[NDArray[Any]], places: NDArray[np.int64], start: int) -> Trees:
    """What `boost` gives, with features by their place among the columns, numbered from `start`."""
    roots, feature, right, child, value = nodes
    link = ((child.astype(np.uint64) + np.uint64(start)) << np.uint64(16)) + places[feature].astype(
        np.uint64
    )
    return Trees(roots.astype(np.uint64) + np.uint64(start), right, link, value)


def _joined(parts: Sequence[Trees]) -> Trees:
    """Forests one after the other."""
    kinds = (np.uint64, np.uint64, np.uint64, np.int32)
    empty = Trees(*(np.zeros(0, kind) for kind in kinds))
    return Trees(*(np.concatenate(arrays) for arrays in zip(empty, *parts, strict=True)))


def _sides(tree: CellTree, weights: Weights | None) -> NDArray[np.uint8]:
    """Which sides of each node lead to a cell that is allowed."""
    if weights is None:
        return np.full(len(tree.middle), 3, np.uint8)
    sums = np.concatenate([[0], np.cumsum(weights > 0)])
    left = sums[tree.middle] > sums[tree.first]
    right = sums[tree.end] > sums[tree.middle]
    return (left + 2 * right).astype(np.uint8)
