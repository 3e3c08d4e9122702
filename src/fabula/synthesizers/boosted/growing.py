"""Gradient-boosted trees over small codes, compiled.

A small learner made for one task: features are codes below 64, a split sends a set of codes to
the left (64 bits of one number), answers are yes or no. Trees grow leaf by leaf from histograms
(Ke et al. 2017, "LightGBM"); codes of categories are sorted by their mean gradient before they are
split (Fisher 1958). Boosting stops when held-out rows gain no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from fabula.synthesizers.boosted.odds import GRADIENT_UNIT, HALF, UNIT

BINS = 64
"""Codes of a feature, at most."""

_LOW = 0xFFFFFFFF


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
        least: Least curvature of a leaf.
    """

    rounds: int = 150
    patience: int = 5
    rate: float = 0.15
    leaves: int = 15
    depth: int = 6
    ridge: float = 1.0
    set_ridge: float = 5.0
    least: float = 1.5


@njit(cache=True, nogil=True, error_model="numpy")
def boost(bins, sizes, ordered, answers, scores, train, growth, gradients, losses):  # type: ignore[no-untyped-def]
    """Fit trees on the first `train` rows; the others decide when to stop.

    Args:
        bins: Codes, shape (features, rows).
        sizes: Codes of each feature.
        ordered: Whether neighbouring codes of a feature are alike.
        answers: 0 or 1 for each row.
        scores: Where each row's score starts; changed in place.
        train: Rows to learn from; the others are held out.
        growth: How trees grow.
        gradients: `odds.PACKED`.
        losses: `odds.LOSS`.

    Returns:
        The first node of each tree that helped; by node its feature, the codes that go to the
        right child (a bit each), the left child (the right one follows it; a leaf is its own
        child) and a leaf's addition to the score; and the most steps to a leaf.
    """
    rows = bins.shape[1]
    most = growth.rounds * (2 * growth.leaves - 1)
    feature = np.zeros(most, np.int16)
    right = np.zeros(most, np.uint64)
    child = np.zeros(most, np.int32)
    value = np.zeros(most, np.int32)
    roots = np.zeros(growth.rounds, np.int32)
    packed = np.empty(train, np.int64)
    order = np.empty(train, np.int32)
    spare = np.empty(train, np.int32)
    moved = np.empty(train, np.int64)
    hists = np.empty((growth.leaves, bins.shape[0], BINS), np.int64)
    best_loss = _held_out_loss(answers, scores, train, losses)
    used, kept, kept_nodes = np.int64(0), 0, np.int64(0)
    depth, since = np.int64(0), 0
    for round_ in range(growth.rounds):
        for row in range(train):
            order[row] = row
            packed[row] = gradients[answers[row], scores[row] + HALF]
        roots[round_] = used
        used, deep = _grow(
            bins, sizes, ordered, packed, order, spare, moved, hists, growth,
            feature, right, child, value, used, scores,
        )  # fmt: skip
        if deep == 0:
            break
        for row in range(train, rows):
            node = roots[round_]
            for _ in range(deep):
                code = np.uint64(bins[feature[node], row])
                node = child[node] + np.int32((right[node] >> code) & np.uint64(1))
            scores[row] = _inside(scores[row] + value[node])
        loss = _held_out_loss(answers, scores, train, losses)
        depth = max(depth, deep)
        if loss < best_loss - 1e-9:
            best_loss, kept, kept_nodes, since = loss, round_ + 1, used, 0
        else:
            since += 1
            if since >= growth.patience:
                break
    nodes = slice(0, kept_nodes)
    return roots[:kept], feature[nodes], right[nodes], child[nodes], value[nodes], depth


@njit(cache=True, nogil=True, error_model="numpy")
def _grow(  # type: ignore[no-untyped-def]
    bins, sizes, ordered, packed, order, spare, moved, hists, growth,
    feature, right, child, value, used, scores,
):  # fmt: skip
    """Grow one tree and add its values to the scores of the rows it was grown from."""
    leaves, most = 1, growth.leaves
    start = np.zeros(most, np.int64)
    end = np.zeros(most, np.int64)
    node = np.zeros(most, np.int32)
    level = np.zeros(most, np.int64)
    gain = np.zeros(most)
    split_feature = np.zeros(most, np.int64)
    split_left = np.zeros(most, np.uint64)
    end[0] = len(order)
    node[0] = used
    used += 1
    _count(bins, sizes, packed, order, start[0], end[0], hists[0])
    gain[0], split_feature[0], split_left[0] = _best_split(hists[0], sizes, ordered, growth)
    while leaves < most:
        at = 0
        for leaf in range(1, leaves):
            if gain[leaf] > gain[at]:
                at = leaf
        if gain[at] <= 0:
            break
        middle = _divide(
            bins[split_feature[at]], split_left[at], order, packed, spare, moved, start[at], end[at]
        )
        parent, new = node[at], leaves
        feature[parent], right[parent] = split_feature[at], ~split_left[at]
        child[parent] = used
        node[at], node[new] = used, used + 1
        used += 2
        leaves += 1
        start[new], end[new], end[at] = middle, end[at], middle
        level[at] += 1
        level[new] = level[at]
        small, large = (at, new) if end[at] - start[at] < end[new] - start[new] else (new, at)
        if level[at] >= growth.depth:
            gain[at], gain[new] = 0.0, 0.0
            continue
        if small == at:  # the parent's histogram stands at `at`
            _copy(hists[at], hists[new], sizes)
        _count(bins, sizes, packed, order, start[small], end[small], hists[small])
        _subtract(hists[small], hists[large], sizes)
        for leaf in (at, new):
            gain[leaf], split_feature[leaf], split_left[leaf] = _best_split(
                hists[leaf], sizes, ordered, growth
            )
    deep = np.int64(0)
    for leaf in range(leaves):
        total = np.int64(0)
        for i in range(start[leaf], end[leaf]):
            total += packed[i]
        slope, curve = (total >> 32) / GRADIENT_UNIT, (total & _LOW) / GRADIENT_UNIT
        step = np.int32(np.rint(growth.rate * slope / (curve + growth.ridge) * UNIT))
        child[node[leaf]] = node[leaf]
        value[node[leaf]] = step
        for i in range(start[leaf], end[leaf]):
            scores[order[i]] = _inside(scores[order[i]] + step)
        deep = max(deep, level[leaf])
    return used, deep


@njit(cache=True, nogil=True, error_model="numpy")
def _count(bins, sizes, packed, order, start, end, hist):  # type: ignore[no-untyped-def]
    """Add up the packed gradients of rows by feature and code."""
    whole = start == 0 and end == len(order)
    for feature in range(bins.shape[0]):
        codes, sums = bins[feature], hist[feature]
        for code in range(sizes[feature]):
            sums[code] = 0
        if whole:  # rows are still in their order
            for i in range(start, end):
                sums[codes[i]] += packed[i]
        else:
            for i in range(start, end):
                sums[codes[order[i]]] += packed[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(hist, target, sizes):  # type: ignore[no-untyped-def]
    for feature in range(len(sizes)):
        for code in range(sizes[feature]):
            target[feature, code] = hist[feature, code]


@njit(cache=True, nogil=True, error_model="numpy")
def _subtract(hist, target, sizes):  # type: ignore[no-untyped-def]
    for feature in range(len(sizes)):
        for code in range(sizes[feature]):
            target[feature, code] -= hist[feature, code]


@njit(cache=True, nogil=True, error_model="numpy")
def _divide(codes, left, order, packed, spare, moved, start, end):  # type: ignore[no-untyped-def]
    """Move a leaf's rows that go left before the others; their order stays."""
    front, back = start, 0
    for i in range(start, end):
        row, value = order[i], packed[i]
        if (left >> np.uint64(codes[row])) & np.uint64(1):
            order[front], packed[front] = row, value
            front += 1
        else:
            spare[back], moved[back] = row, value
            back += 1
    for i in range(back):
        order[front + i], packed[front + i] = spare[i], moved[i]
    return front


@njit(cache=True, nogil=True, error_model="numpy")
def _best_split(hist, sizes, ordered, growth):  # type: ignore[no-untyped-def]
    """The gain, feature and left codes of the best split of a leaf; no gain where there is none."""
    best, best_feature, best_left = 0.0, 0, np.uint64(0)
    total = np.int64(0)
    for code in range(sizes[0]):
        total += hist[0, code]
    all_slope, all_curve = (total >> 32) / GRADIENT_UNIT, (total & _LOW) / GRADIENT_UNIT
    if all_curve < 2 * growth.least:
        return best, best_feature, best_left
    codes = np.empty(BINS, np.int64)
    means = np.empty(BINS)
    for feature in range(hist.shape[0]):
        size = sizes[feature]
        ridge = growth.ridge if ordered[feature] else growth.set_ridge
        count = size
        if ordered[feature]:
            for code in range(size):
                codes[code] = code
        else:
            count = _sorted_codes(hist[feature], size, codes, means)
        base = all_slope * all_slope / (all_curve + ridge)
        part = np.int64(0)
        mask = np.uint64(0)
        for i in range(count - 1 if count == size else count):
            part += hist[feature, codes[i]]
            mask |= np.uint64(1) << np.uint64(codes[i])
            curve = (part & _LOW) / GRADIENT_UNIT
            if curve < growth.least:
                continue
            if all_curve - curve < growth.least:
                break
            slope = (part >> 32) / GRADIENT_UNIT
            rest = all_slope - slope
            gain = slope * slope / (curve + ridge) + rest * rest / (all_curve - curve + ridge) - base
            if gain > best:
                best, best_feature, best_left = gain, feature, mask
    return best, best_feature, best_left


@njit(cache=True, nogil=True, error_model="numpy")
def _sorted_codes(sums, size, codes, means):  # type: ignore[no-untyped-def]
    """Sort codes that have enough rows by their mean gradient; returns how many there are."""
    count = 0
    for code in range(size):
        curve = (sums[code] & _LOW) / GRADIENT_UNIT
        if curve < 1.0:
            continue
        mean = ((sums[code] >> 32) / GRADIENT_UNIT) / (curve + 2.0)
        i = count
        while i > 0 and means[i - 1] > mean:
            means[i], codes[i] = means[i - 1], codes[i - 1]
            i -= 1
        means[i], codes[i] = mean, code
        count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _held_out_loss(answers, scores, train, losses):  # type: ignore[no-untyped-def]
    loss = 0.0
    for row in range(train, len(answers)):
        loss += losses[answers[row], scores[row] + HALF]
    return loss


@njit(cache=True, nogil=True, error_model="numpy")
def _inside(score):  # type: ignore[no-untyped-def]
    return min(max(score, -HALF), HALF - 1)
