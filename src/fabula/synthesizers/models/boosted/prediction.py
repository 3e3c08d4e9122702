"""Drawing a column for many rows at once: down the tree of cells, one forest a level, compiled.

Everything that decides a row is whole numbers, so the same stream gives the same rows on every
machine. Uniform numbers of a row follow from one seed a row (splitmix64; Steele, Lea and Flood
2014).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.models.boosted.compiled import compiled, part_of_compiled
from fabula.synthesizers.models.boosted.lines import SHIFT
from fabula.synthesizers.models.boosted.odds import HALF

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)


_ONE = np.uint64(1)
LINK_BITS = 16
_LINK = np.uint64(LINK_BITS)
_FEATURE = np.uint64(2**LINK_BITS - 1)

BATCH = 512
"""Rows that go through some trees before other trees are loaded."""


class Trees(NamedTuple):
    """Trees one after the other; two words a node, because a walk is bound by its loads.

    Attributes:
        roots: The first node of each tree.
        right: For each node the codes that go to the right child, a bit each.
        link: The node's left child (times 2^LINK_BITS) and its feature; the right child follows the
            left one. A leaf is its own left child, so that a walk may take more steps than the
            tree is deep.
        value: A leaf's addition to the score.
    """

    roots: NDArray[np.uint64]
    right: NDArray[np.uint64]
    link: NDArray[np.uint64]
    value: NDArray[np.int32]


class Path(NamedTuple):
    """The decisions of one column; a level's nodes follow each other.

    Attributes:
        middle: For each node the first cell of its second part.
        children: Its two children: a node's number, or -1 - cell.
        scores: Its own score.
        slopes: What a row's index adds to it, times 2^SHIFT (see `lines`).
        means: The mean index of its rows.
        bins: Its code as a feature.
        forests: For each level the first root, the root after the last, and the depth.
        sides: For each node which sides may be taken: 1 left, 2 right, 3 both.
    """

    middle: NDArray[np.int32]
    children: NDArray[np.int32]
    scores: NDArray[np.int32]
    slopes: NDArray[np.int64]
    means: NDArray[np.int64]
    bins: NDArray[np.uint8]
    forests: NDArray[np.int32]
    sides: NDArray[np.uint8]


class Walkers(NamedTuple):
    """Rows that walk down.

    Attributes:
        bins: Codes of the columns drawn so far, shape (rows, columns + 1); the last place is
            the node's.
        seeds: One a row.
        lines: The linear dependence on earlier columns (see `lines`).
        targets: The cell that each row has to reach, -1 for any; empty if all are free.
        codes: The cells that they reach; written.
        log_weights: Logarithms of the chances of decisions that were not free; added to.
        passed: For each node the rows that came by and the sum of their chances to go right, times
            2^32, shape (nodes, 2); added to. Empty if nobody wants to know.
    """

    bins: NDArray[np.uint8]
    seeds: NDArray[np.uint64]
    lines: NDArray[np.int64]
    targets: NDArray[np.int32]
    codes: NDArray[np.int32]
    log_weights: NDArray[np.float64]
    passed: NDArray[np.int64]


@compiled
def walk(walkers: Walkers, path: Path, trees: Trees, thresholds: NDArray[np.int64]) -> None:
    """Draw one column of every row; `thresholds` are those of `odds`."""
    rows = len(walkers.codes)
    node = np.zeros(rows, np.int64)
    active = np.arange(rows)
    scores = np.empty(rows, np.int64)
    count = rows
    spot = walkers.bins.shape[1] - 1
    for level in range(len(path.forests)):
        for i in range(count):
            row = active[i]
            at = node[row]
            walkers.bins[row, spot] = path.bins[at]
            away = walkers.lines[row] - path.means[at]
            score = int(path.scores[at]) + ((path.slopes[at] * away) >> SHIFT)
            scores[i] = min(max(score, -HALF), HALF - 1)
        for start in range(0, count, BATCH):
            batch = slice(start, min(start + BATCH, count))
            _forest(trees, path.forests[level], walkers.bins, active[batch], scores[batch])
        going = 0
        for i in range(count):
            row = active[i]
            at = node[row]
            chance = thresholds[min(max(scores[i], -HALF), HALF - 1) + HALF]
            if len(walkers.passed):
                walkers.passed[at, 0] += 1
                walkers.passed[at, 1] += chance
            side = path.sides[at]
            if len(walkers.targets) and walkers.targets[row] >= 0:
                side = 2 if walkers.targets[row] >= path.middle[at] else 1
            if side == 3:
                right = _uniform(walkers.seeds[row], level) < chance
            else:
                right = side == 2
                share = chance if right else 2**32 - chance
                walkers.log_weights[row] += np.log(max(share, 1) / 2**32)
            below = path.children[at, 1 if right else 0]
            if below < 0:
                walkers.codes[row] = -1 - below
            else:
                node[row] = below
                active[going] = row
                going += 1
        count = going


@part_of_compiled
def _forest(
    trees: Trees,
    forest: NDArray[np.int32],
    bins: NDArray[np.uint8],
    rows: NDArray[np.int64],
    scores: NDArray[np.int64],
) -> None:
    """Add to the scores of some rows what the trees of a level give: by trees, which stay near."""
    tree, last, depth = forest
    while tree + 3 < last:  # four at a time: their loads wait side by side
        for i in range(len(rows)):
            code = bins[rows[i]]
            one, two = trees.roots[tree], trees.roots[tree + 1]
            three, four = trees.roots[tree + 2], trees.roots[tree + 3]
            for _ in range(depth):
                one = _next(trees.link[one], trees.right[one], code)
                two = _next(trees.link[two], trees.right[two], code)
                three = _next(trees.link[three], trees.right[three], code)
                four = _next(trees.link[four], trees.right[four], code)
            scores[i] += (
                trees.value[one] + trees.value[two] + trees.value[three] + trees.value[four]
            )
        tree += 4
    while tree < last:
        for i in range(len(rows)):
            code = bins[rows[i]]
            one = trees.roots[tree]
            for _ in range(depth):
                one = _next(trees.link[one], trees.right[one], code)
            scores[i] += trees.value[one]
        tree += 1


@part_of_compiled
def _next(link: np.uint64, right: np.uint64, code: NDArray[np.uint8]) -> np.uint64:
    """The child that a row goes to."""
    return (link >> _LINK) + ((right >> np.uint64(code[link & _FEATURE])) & _ONE)


@part_of_compiled
def _uniform(seed: np.uint64, level: int) -> np.int64:
    """A whole number below 2^32: the splitmix64 sequence of a seed."""
    z = seed + np.uint64(level + 1) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MIX_A
    z = (z ^ (z >> np.uint64(27))) * _MIX_B
    return np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(32))
