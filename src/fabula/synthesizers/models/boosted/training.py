"""Gradient-boosted trees over small codes, compiled.

A small learner made for one task: features are codes below 64, a split sends a set of codes to
one side (64 bits of one number), answers are yes or no. Trees grow leaf by leaf from histograms
(Ke et al. 2017, "LightGBM"); codes of categories are sorted by their mean gradient before they
are split (Fisher 1958). Boosting stops when held-out rows gain no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.models.boosted.compiled import compiled, part_of_compiled
from fabula.synthesizers.models.boosted.odds import GRADIENT_UNIT, HALF, UNIT

BINS = 64
"""Codes of a feature, at most."""

_LOW = 0xFFFFFFFF
_FEWEST_OF_CODE = 1.0
_MEAN_RIDGE = 2.0


class Rows(NamedTuple):
    """What is learned from; held-out rows come last.

    Attributes:
        train: How many rows are learned from.
        bins: Codes, shape (features, rows).
        sizes: Codes of each feature.
        ordered: Whether neighbouring codes of a feature are alike.
        least: Least curvature of a leaf that a feature splits off.
        answers: 0 or 1 for each row.
        scores: Where each row's score starts; changed in place.
        gradients: `odds.PACKED`.
        losses: `odds.LOSS`.
    """

    train: int
    bins: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    ordered: NDArray[np.bool_]
    least: NDArray[np.float64]
    answers: NDArray[np.uint8]
    scores: NDArray[np.int32]
    gradients: NDArray[np.int64]
    losses: NDArray[np.float64]


class Growth(NamedTuple):
    """How trees grow.

    Attributes:
        rounds: Most trees.
        patience: Trees without gain on held-out rows before boosting stops.
        rate: Share of a leaf's best value that is taken.
        leaves: Most leaves of a tree.
        depth: Most steps to a leaf.
        ridge: Added to the curvature of a leaf.
        set_ridge: Added to it where a split is a set of categories.
        least: Least curvature of a leaf; 5 are at least 20 rows, and more where one label is rare.
        alone: What the slope of a leaf loses. A row adds less than 1 to it, and a surprising row
            most, so leaves that a few people make stand out give nothing.
    """

    rounds: int = 150
    patience: int = 5
    rate: float = 0.15
    leaves: int = 31
    depth: int = 6
    ridge: float = 1.0
    set_ridge: float = 5.0
    least: float = 5.0
    alone: float = 0.0


class Nodes(NamedTuple):
    """Nodes of trees, one after the other.

    Attributes:
        feature: The feature that a node looks at.
        right: Codes that go to the right child, a bit each.
        child: The left child; the right one follows it. A leaf is its own child.
        value: A leaf's addition to the score.
    """

    feature: NDArray[np.int16]
    right: NDArray[np.uint64]
    child: NDArray[np.int32]
    value: NDArray[np.int32]


class _Work(NamedTuple):
    """Space that every tree uses again: rows in the order of leaves, and leaves' histograms.

    `codes` are those of `Rows.bins` row by row: a row's sums then wait for no others.
    """

    packed: NDArray[np.int64]
    order: NDArray[np.uint32]
    codes: NDArray[np.uint8]
    spare: NDArray[np.uint32]
    moved: NDArray[np.int64]
    sums: NDArray[np.int64]


@compiled
def boost(rows: Rows, growth: Growth) -> tuple[NDArray[np.int32], Nodes, int, NDArray[np.float64]]:
    """Fit trees as long as they help on the held-out rows; without such rows, all rounds.

    Args:
        rows: What is learned from.
        growth: How trees grow.

    Returns:
        The first node of each tree, all nodes, the most steps from a root to a leaf, and the loss
        of the held-out rows after each number of trees from 0 on (the last one known, after those
        that were tried).
    """
    most = growth.rounds * (2 * growth.leaves - 1)
    nodes = Nodes(
        np.zeros(most, np.int16),
        np.zeros(most, np.uint64),
        np.zeros(most, np.int32),
        np.zeros(most, np.int32),
    )
    work = _Work(
        np.empty(rows.train, np.int64),
        np.empty(rows.train, np.uint32),
        np.ascontiguousarray(rows.bins[:, : rows.train].T),
        np.empty(rows.train, np.uint32),
        np.empty(rows.train, np.int64),
        np.empty((growth.leaves, rows.bins.shape[0], BINS), np.int64),
    )
    roots = np.zeros(growth.rounds, np.int32)
    best_loss = _held_out_loss(rows)
    losses = np.full(growth.rounds + 1, best_loss)
    used, kept_nodes, depth, kept, since = 0, 0, 0, 0, 0
    for number in range(growth.rounds):
        roots[number] = used
        used, deep = _grow(rows, work, nodes, roots[number], growth)
        if deep == 0:
            break
        _add_to_held_out(rows, nodes, roots[number], deep)
        loss = _held_out_loss(rows)
        losses[number + 1 :] = loss
        depth = max(depth, deep)
        if loss < best_loss - 1e-9 or rows.train == len(rows.answers):
            best_loss, kept, kept_nodes, since = loss, number + 1, used, 0
        else:
            since += 1
            if since >= growth.patience:
                break
    found = slice(0, kept_nodes)
    return (
        roots[:kept],
        Nodes(nodes.feature[found], nodes.right[found], nodes.child[found], nodes.value[found]),
        depth,
        losses,
    )


@part_of_compiled
def _grow(rows: Rows, work: _Work, nodes: Nodes, root: int, growth: Growth) -> tuple[int, int]:
    """Grow one tree and add its values to the scores of the rows that it was grown from.

    Returns:
        The number of nodes used so far, and the most steps to a leaf.
    """
    for row in range(rows.train):
        work.order[row] = row
        work.packed[row] = rows.gradients[rows.answers[row], rows.scores[row] + HALF]
    most, leaves = growth.leaves, 1
    start, end = np.zeros(most, np.int64), np.zeros(most, np.int64)
    node, level = np.zeros(most, np.int32), np.zeros(most, np.int64)
    gain = np.zeros(most)
    feature, left = np.zeros(most, np.int64), np.zeros(most, np.uint64)
    end[0], node[0] = rows.train, root
    used = root + 1
    _count(rows, work, start[0], end[0], work.sums[0])
    gain[0], feature[0], left[0] = _best_split(work.sums[0], rows, growth)
    while leaves < most:
        at = 0
        for leaf in range(1, leaves):
            if gain[leaf] > gain[at]:
                at = leaf
        if gain[at] <= 0:
            break
        middle = _divide(rows.bins[feature[at]], left[at], work, start[at], end[at])
        parent, new = node[at], leaves
        nodes.feature[parent], nodes.right[parent] = feature[at], ~left[at]
        nodes.child[parent] = used
        node[at], node[new] = used, used + 1
        used += 2
        leaves += 1
        start[new], end[new], end[at] = middle, end[at], middle
        level[at] += 1
        level[new] = level[at]
        if level[at] >= growth.depth:
            gain[at], gain[new] = 0.0, 0.0
            continue
        small, large = (at, new) if end[at] - start[at] < end[new] - start[new] else (new, at)
        if small == at:  # the parent's histogram is at `at`
            _copy(work.sums[at], work.sums[new], rows.sizes)
        _count(rows, work, start[small], end[small], work.sums[small])
        _subtract(work.sums[small], work.sums[large], rows.sizes)
        gain[at], feature[at], left[at] = _best_split(work.sums[at], rows, growth)
        gain[new], feature[new], left[new] = _best_split(work.sums[new], rows, growth)
    deep = 0
    for leaf in range(leaves):
        total = 0
        for i in range(start[leaf], end[leaf]):
            total += work.packed[i]
        slope, curve = (total >> 32) / GRADIENT_UNIT, (total & _LOW) / GRADIENT_UNIT
        slope = _nearer_to_0(slope, growth.alone)
        step = np.int32(np.rint(growth.rate * slope / (curve + growth.ridge) * UNIT))
        nodes.child[node[leaf]], nodes.value[node[leaf]] = node[leaf], step
        for i in range(start[leaf], end[leaf]):
            row = work.order[i]
            rows.scores[row] = _inside(rows.scores[row] + step)
        deep = max(deep, level[leaf])
    return used, deep


@part_of_compiled
def _count(rows: Rows, work: _Work, start: int, end: int, sums: NDArray[np.int64]) -> None:
    """Add up the packed gradients of a leaf's rows by feature and code."""
    count = rows.bins.shape[0]
    for feature in range(count):
        for code in range(rows.sizes[feature]):
            sums[feature, code] = 0
    for i in range(start, end):
        codes, value = work.codes[work.order[i]], work.packed[i]
        for feature in range(count):
            sums[feature, codes[feature]] += value


@part_of_compiled
def _copy(sums: NDArray[np.int64], target: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
    for feature in range(len(sizes)):
        for code in range(sizes[feature]):
            target[feature, code] = sums[feature, code]


@part_of_compiled
def _subtract(sums: NDArray[np.int64], target: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
    for feature in range(len(sizes)):
        for code in range(sizes[feature]):
            target[feature, code] -= sums[feature, code]


@part_of_compiled
def _divide(codes: NDArray[np.uint8], left: np.uint64, work: _Work, start: int, end: int) -> int:
    """Move a leaf's rows that go left before the others; their order stays.

    Each row is written to both sides, and one of them moves on: no branch to be guessed.
    """
    front, back = start, 0
    for i in range(start, end):
        row, value = work.order[i], work.packed[i]
        work.order[front], work.packed[front] = row, value
        work.spare[back], work.moved[back] = row, value
        goes = int((left >> np.uint64(codes[row])) & np.uint64(1))
        front += goes
        back += 1 - goes
    for i in range(back):
        work.order[front + i], work.packed[front + i] = work.spare[i], work.moved[i]
    return front


@part_of_compiled
def _best_split(
    sums: NDArray[np.int64], rows: Rows, growth: Growth
) -> tuple[float, int, np.uint64]:
    """The gain, feature and left codes of a leaf's best split; no gain if there is none."""
    best, best_feature, best_left = 0.0, 0, np.uint64(0)
    total = 0
    for code in range(rows.sizes[0]):
        total += sums[0, code]
    all_slope, all_curve = (total >> 32) / GRADIENT_UNIT, (total & _LOW) / GRADIENT_UNIT
    if all_curve < growth.least + rows.least.min():
        return best, best_feature, best_left
    codes, means = np.empty(BINS, np.int64), np.empty(BINS)
    for feature in range(sums.shape[0]):
        size, least = rows.sizes[feature], rows.least[feature]
        if rows.ordered[feature]:
            ridge, count = growth.ridge, size
            for code in range(size):
                codes[code] = code
        else:
            ridge = growth.set_ridge
            count = _sorted_codes(sums[feature], size, codes, means)
        whole = _nearer_to_0(all_slope, growth.alone)
        base = whole * whole / (all_curve + ridge)
        part, mask = 0, np.uint64(0)
        for i in range(count):
            mask |= np.uint64(1) << np.uint64(codes[i])
            if sums[feature, codes[i]] == 0:
                continue
            part += sums[feature, codes[i]]
            curve = (part & _LOW) / GRADIENT_UNIT
            if curve < least:
                continue
            if all_curve - curve < least:
                break
            slope = (part >> 32) / GRADIENT_UNIT
            rest, other = _nearer_to_0(all_slope - slope, growth.alone), all_curve - curve
            slope = _nearer_to_0(slope, growth.alone)
            gain = slope * slope / (curve + ridge) + rest * rest / (other + ridge) - base
            if gain > best:
                best, best_feature, best_left = gain, feature, mask
    return best, best_feature, best_left


@part_of_compiled
def _nearer_to_0(slope: float, by: float) -> float:
    return max(slope - by, 0.0) if slope > 0 else min(slope + by, 0.0)


@part_of_compiled
def _sorted_codes(
    sums: NDArray[np.int64], size: int, codes: NDArray[np.int64], means: NDArray[np.float64]
) -> int:
    """Sort codes that have enough rows by their mean gradient; returns how many there are."""
    count = 0
    for code in range(size):
        curve = (sums[code] & _LOW) / GRADIENT_UNIT
        if curve < _FEWEST_OF_CODE:
            continue
        mean = ((sums[code] >> 32) / GRADIENT_UNIT) / (curve + _MEAN_RIDGE)
        i = count
        while i > 0 and means[i - 1] > mean:
            means[i], codes[i] = means[i - 1], codes[i - 1]
            i -= 1
        means[i], codes[i] = mean, code
        count += 1
    return count


@part_of_compiled
def _add_to_held_out(rows: Rows, nodes: Nodes, root: int, depth: int) -> None:
    """Add a tree's values to the scores of the held-out rows."""
    for row in range(rows.train, len(rows.answers)):
        node = root
        for _ in range(depth):
            code = np.uint64(rows.bins[nodes.feature[node], row])
            node = nodes.child[node] + np.int32((nodes.right[node] >> code) & np.uint64(1))
        rows.scores[row] = _inside(rows.scores[row] + nodes.value[node])


@part_of_compiled
def _held_out_loss(rows: Rows) -> float:
    loss = 0.0
    for row in range(rows.train, len(rows.answers)):
        loss += rows.losses[rows.answers[row], rows.scores[row] + HALF]
    return loss


@part_of_compiled
def _inside(score: int) -> int:
    return min(max(score, -HALF), HALF - 1)
