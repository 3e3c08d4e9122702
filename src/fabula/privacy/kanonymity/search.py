"""The search for the levels that lose least, among all whose remaining rows can be blanked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.privacy.kanonymity.blanking import blanked
from fabula.privacy.kanonymity.combinations import Combinations, Keys, Whole
from fabula.privacy.kanonymity.ladders import Ladder
from fabula.privacy.kanonymity.measures import Judge, Wanted

MOST_NODES = 100_000
_COUNTED = 2_000_000
"""Combinations of codes up to which they are counted by place."""


@dataclass(frozen=True, eq=False)
class Found:
    """The levels that were chosen, and what is released.

    Attributes:
        levels: The level of each quasi-identifier.
        codes: The released code of each combination; 0 is a blank.
        blanks: How many cells of each column are blanked that were not missing.
        loss: The share of bits that the levels lose, weighted by importance.
        within: Whether no more cells are blanked than was allowed.
    """

    levels: tuple[int, ...]
    codes: Whole
    blanks: Whole
    loss: float
    within: bool


def search(
    grouped: Combinations,
    ladders: Sequence[Ladder],
    wanted: Wanted,
    *,
    most_blank: float,
    importance: Mapping[str, float],
) -> Found:
    """Find the levels of least loss whose remaining rows can be blanked within a budget.

    Args:
        grouped: The combinations of the table.
        ladders: The ladder of each quasi-identifier.
        wanted: What every group must keep.
        most_blank: The greatest share of cells of the quasi-identifiers that may be blanked.
        importance: How much a column matters, 1 if nothing is said.

    Raises:
        UsageError: No release can keep what is wanted.
    """
    judge = Judge(grouped.counts, grouped.sensitive, wanted)
    everyone = np.arange(len(grouped.counts))
    if not judge.keeps(everyone, np.zeros(len(everyone), np.int64), 1)[0]:
        raise UsageError(
            f"the table's {grouped.rows:,} rows together do not keep k = {wanted.k}"
            + (f", l = {wanted.l}" if wanted.l > 1 else ""),
            code="kanonymity.impossible",
            hint="use a smaller `-k` or `--l`",
        )
    weights = np.array([importance.get(ladder.column.name, 1.0) for ladder in ladders])
    nodes, losses = _nodes(ladders, weights)
    asked = allowed = most_blank * grouped.rows * len(ladders)

    def released(levels: Whole, budget: float) -> tuple[Whole, Whole | None]:
        codes = _coded(grouped, ladders, levels)
        if _in_small_groups(codes, grouped.counts, wanted.k) > budget:
            return codes, None
        return codes, blanked(codes, judge, _costs(ladders, levels, weights), budget)

    coarsest = nodes[int(np.argmax(nodes.sum(axis=1)))]
    codes, made = released(coarsest, np.inf)
    assert made is not None
    least = float(_blanks(grouped, codes, made).sum())
    while least > allowed:  # then more has to be blanked than was asked
        allowed = max(2 * allowed, float(len(ladders)))
    for at in np.argsort(losses, kind="stable"):
        codes, made = released(nodes[at], allowed)
        if made is not None:
            break
    assert made is not None
    return Found(
        tuple(map(int, nodes[at])), made, _blanks(grouped, codes, made), float(losses[at]),
        within=allowed <= asked,
    )  # fmt: skip


def _nodes(
    ladders: Sequence[Ladder], weights: NDArray[np.float64]
) -> tuple[Whole, NDArray[np.float64]]:
    """All choices of levels, and the share of the bits, by importance, that each loses."""
    steps = [list(range(len(ladder.levels))) for ladder in ladders]
    while np.prod([float(len(step)) for step in steps]) > MOST_NODES:
        longest = max(steps, key=len)
        del longest[1:-1:2]
        if len(longest) <= 2:
            break
    nodes = np.array(list(product(*steps)), np.int64)
    losses = np.zeros(len(nodes))
    for at, (ladder, weight) in enumerate(zip(ladders, weights, strict=True)):
        bits = np.array([level.bits for level in ladder.levels])
        losses += weight * (bits[0] - bits)[nodes[:, at]]
    total = sum(w * ladder.levels[0].bits for ladder, w in zip(ladders, weights, strict=True))
    return nodes, losses / max(total, 1e-9)


def _coded(grouped: Combinations, ladders: Sequence[Ladder], levels: Whole) -> Whole:
    return np.column_stack(
        [
            ladder.levels[level].codes[grouped.codes[:, at]]
            for at, (ladder, level) in enumerate(zip(ladders, levels, strict=True))
        ]
    )


def _costs(
    ladders: Sequence[Ladder], levels: Whole, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What a blank costs: the bits of a cell, by importance."""
    bits = [ladder.levels[at].bits for ladder, at in zip(ladders, levels, strict=True)]
    return np.asarray(weights * np.array(bits), float)


def _in_small_groups(codes: Whole, counts: Whole, k: int) -> float:
    """Rows of groups below k: each of them loses a cell, at least."""
    sizes = codes.max(axis=0) + 1
    if np.prod(sizes.astype(float)) > _COUNTED:
        group = Keys(codes).of
    else:
        group = np.ravel_multi_index(tuple(codes.T), tuple(sizes))
    totals = np.bincount(group, counts)
    return float(totals[totals < k].sum())


def _blanks(grouped: Combinations, codes: Whole, released: Whole) -> Whole:
    """How many cells of each column are blanked that were not missing."""
    lost = (released == 0) & (codes != 0)
    found: Whole = (lost * grouped.counts[:, None]).sum(axis=0)
    return found
