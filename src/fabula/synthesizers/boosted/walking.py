"""Drawing a column for many rows at once: down the tree of cells, one forest a level, compiled.

Everything that decides a row is whole numbers, so the same stream gives the same rows on every
machine. Uniform numbers of a row follow from one seed a row (splitmix64; Steele, Lea and Flood
2014).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fabula.synthesizers.boosted.odds import HALF

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)


_ONE = np.uint64(1)
_LINK = np.uint64(16)
_FEATURE = np.uint64(2**16 - 1)


class Trees(NamedTuple):
    """Trees one after the other; two words a node, because a walk is bound by its loads.

    Attributes:
        roots: The first node of each tree.
        right: For each node the codes that go to the right child, a bit each.
        link: The node's left child (times 2^16) and its feature; the right child follows the
            left one. A leaf is its own left child, so that a walk may take more steps than the
            tree is deep.
        value: A leaf's addition to the score.
    """

    roots: NDArray[np.uint64]
    right: NDArray[np.uint64]
    link: NDArray[np.uint64]
    value: NDArray[np.int32]


@njit(cache=True, nogil=True, error_model="numpy")
def walk(  # type: ignore[no-untyped-def]
    bins, levels, middle, children, scores, node_bins, forests, trees, thresholds,
    seeds, sides, targets, codes, log_weights,
):  # fmt: skip
    """Draw one column of every row.

    Args:
        bins: Codes of the columns drawn so far, shape (rows, columns + 1); the last one is
            used for the node.
        levels: The nodes of each level, shape (levels, 2).
        middle: The first cell of each node's second part.
        children: The children of each node, as `CellTree` has them.
        scores: Each node's own score.
        node_bins: The code of each node as a feature.
        forests: For each level its first root, the root after its last, and the depth.
        trees: The nodes of all trees, and their roots (`Trees`).
        thresholds: `odds.THRESHOLDS`.
        seeds: One a row.
        sides: For each node which sides may be taken: 1 left, 2 right, 3 both.
        targets: The cell that each row has to have, -1 for any; empty where all are free.
        codes: The cells that were drawn; written.
        log_weights: Logarithms of the chances of decisions that were not free; added to.
    """
    rows = len(codes)
    node = np.zeros(rows, np.int64)
    active = np.arange(rows)
    count = rows
    spot = bins.shape[1] - 1
    for level in range(len(levels)):
        first, last, depth = forests[level]
        going = 0
        for i in range(count):
            row = active[i]
            at = node[row]
            code = bins[row]
            code[spot] = node_bins[at]
            score = np.int64(scores[at])
            tree = first
            while tree + 1 < last:  # two at a time: their loads wait side by side
                one, two = trees.roots[tree], trees.roots[tree + 1]
                for _ in range(depth):
                    one = _next(trees.link[one], trees.right[one], code)
                    two = _next(trees.link[two], trees.right[two], code)
                score += trees.value[one] + trees.value[two]
                tree += 2
            if tree < last:
                one = trees.roots[tree]
                for _ in range(depth):
                    one = _next(trees.link[one], trees.right[one], code)
                score += trees.value[one]
            chance = thresholds[min(max(score, -HALF), HALF - 1) + HALF]
            side = sides[at]
            if len(targets) and targets[row] >= 0:
                side = 2 if targets[row] >= middle[at] else 1
            if side == 3:
                right = _uniform(seeds[row], level) < chance
            else:
                right = side == 2
                share = chance if right else 2**32 - chance
                log_weights[row] += np.log(max(share, 1) / 2**32)
            below = children[at, 1 if right else 0]
            if below < 0:
                codes[row] = -1 - below
            else:
                node[row] = below
                active[going] = row
                going += 1
        count = going


@njit(cache=True, nogil=True, error_model="numpy")
def _next(link, right, code):  # type: ignore[no-untyped-def]
    """The child that a row goes to."""
    return (link >> _LINK) + ((right >> np.uint64(code[link & _FEATURE])) & _ONE)


@njit(cache=True, nogil=True, error_model="numpy")
def _uniform(seed, level):  # type: ignore[no-untyped-def]
    """A whole number below 2^32: the splitmix64 sequence of a seed."""
    z = seed + np.uint64(level + 1) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MIX_A
    z = (z ^ (z >> np.uint64(27))) * _MIX_B
    return np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(32))
