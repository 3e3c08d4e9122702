"""Numbers that no distribution fits: pieces within which they are spread evenly."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fabula.inference.families import POOR_FIT, Fit, fitted
from fabula.inference.guesses import Guess
from fabula.kinds.mixture import Mixture
from fabula.kinds.uniform import Uniform

_TAIL = (0.9, 0.97, 0.99, 0.997)
"""Shares of the rows below pieces of the upper tail, which the mean depends on."""

MOST_PIECES, NEAR = 12, 0.01
"""Pieces are split until they are that many, or all as near to the rows as that."""

_CHANCE = 1.63
"""Over the root of their number, the distance of values of a distribution in one case of 100."""

_Floats = NDArray[np.float64]


def best_fit(values: _Floats, *, whole: bool) -> Guess:
    """The nearest distribution, or a mixture where none is near.

    Args:
        values: Finite numbers, at least one.
        whole: Whether they are counts or other whole numbers.
    """
    single = fitted(values, whole=whole)
    if single.distance <= max(POOR_FIT, _CHANCE / math.sqrt(len(values))):
        return single.guess
    return _pieces(values, single, whole=whole)


def _pieces(values: _Floats, single: Fit, *, whole: bool) -> Guess:
    """Pieces within which numbers are spread evenly, split where they are so least."""
    distinct, counts = np.unique(values, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)]) / len(values)
    starts = {0, *(int(at) for at in np.searchsorted(below, _TAIL) if at < len(distinct))}
    while len(starts) < MOST_PIECES:
        edges = [*sorted(starts), len(distinct)]
        found = [_worst(distinct, below, at, to, whole) for at, to in pairwise(edges)]
        distance, split = max(found)
        if distance < NEAR:
            break
        starts.add(split)
    edges = [*sorted(starts), len(distinct)]
    low, high = (single.guess.column.model_dump()[name] for name in ("min", "max"))
    of = [
        {
            "weight": round(float(below[to] - below[at]), 4) or 1e-4,
            "column": Uniform(
                min=_rounded(max(distinct[at], low), whole=whole),
                max=_rounded(min(distinct[to - 1], high), whole=whole),
                decimals=0 if whole else None,
            ),
        }
        for at, to in pairwise(edges)
    ]
    reason = f"in {len(of)} pieces, as the nearest family is {single.distance:.2f} away"
    column = Mixture(of=of, min=low, max=high, decimals=single.decimals)
    return Guess(column, reason)


def _worst(
    distinct: _Floats, below: _Floats, start: int, stop: int, whole: bool
) -> tuple[float, int]:
    """How far a piece is from evenly spread rows, and the value that the next piece starts with."""
    inside = distinct[start:stop]
    if len(inside) < 2:
        return 0.0, start
    width = inside[-1] - inside[0] + whole
    at_end = (inside - inside[0] + whole) / width
    before = (inside - inside[0]) / width
    share = below[stop] - below[start]
    up_to, less = (below[start + 1 : stop + 1] - below[start]), (below[start:stop] - below[start])
    over = np.abs(up_to - share * at_end)[:-1]
    under = np.abs(less - share * before)[1:]
    worst = np.maximum(over, under)  # between a value and the next one
    at = int(worst.argmax())
    return float(worst[at]), start + at + 1


def _rounded(value: float, *, whole: bool) -> float:
    return int(value) if whole else float(f"{value:.5g}")
