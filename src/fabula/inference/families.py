"""Which distribution a column of numbers looks most like."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.inference.guesses import Guess
from fabula.kinds import KINDS
from fabula.kinds.base.distributions import AbstractDistribution, Moments
from fabula.spec import col

Floats = NDArray[np.float64]
Distribution = Callable[[float], float]

_LEVELS = np.linspace(0.005, 0.995, 199)
POOR_FIT = 0.1
"""The distance from which a distribution fits poorly."""

MOST_DIGITS = 18
"""Digits of a bound, decimals included, that a column rounds to."""
_MOST_DECIMALS, _EXACT = 12, 7
_SIMPLER = 0.01
"""How much worse a family of one parameter may fit than one of two."""


@dataclass(frozen=True)
class Fit:
    """A distribution of some values.

    Attributes:
        guess: Its column, with the values' bounds and decimals, and why it is that one.
        distance: The Kolmogorov-Smirnov distance of the two at 199 quantiles.
        decimals: The fewest decimals that hold every value; None if they are too many.
    """

    guess: Guess
    distance: float
    decimals: int | None


def nearest_family(values: Floats, *, whole: bool) -> Guess:
    """As `fitted`, the column alone."""
    return fitted(values, whole=whole).guess


def fitted(values: Floats, *, whole: bool) -> Fit:
    """The family whose distribution function is nearest to the values' own.

    Nearness is the Kolmogorov-Smirnov distance at 199 quantiles; parameters are by moments.

    Args:
        values: Finite numbers, at least one.
        whole: Whether they are counts or other whole numbers.
    """
    low, high = float(values.min()), float(values.max())
    bounds: dict[str, Any] = {"min": _tidy(low, whole), "max": _tidy(high, whole)}
    decimals = 0 if whole else _decimals(values)
    if low == high:
        return Fit(Guess(col.constant(bounds["min"]), "it has one value"), 0.0, decimals)
    quantiles = np.quantile(values, _LEVELS)
    fits = [
        (_distance(quantiles, function), column)
        for column, function in _candidates(_moments(values, whole))
    ]
    distance, column = min(fits, key=lambda fit: fit[0] - _SIMPLER * (len(fit[1].own) == 1))
    rounding = {} if column.counts else {"decimals": decimals}
    reason = f"nearest of {len(fits)} families, distance {distance:.2f}"
    if distance > POOR_FIT:
        reason += ": a poor fit, check it"
    bounded = column.model_copy(update={**bounds, **rounding})
    return Fit(Guess(bounded, reason), distance, decimals)


def _moments(values: Floats, whole: bool) -> Moments:
    low = float(values.min())
    logs = np.log(values) if low > 0 else np.array([math.nan])
    return Moments(
        low,
        float(values.max()),
        float(values.mean()),
        float(values.std()),
        float(logs.mean()),
        float(logs.std()),
        whole,
    )


def _candidates(seen: Moments) -> Iterator[tuple[AbstractDistribution, Distribution]]:
    """The distributions that the values may be of, as their kinds say."""
    for kind in KINDS.values():
        if not issubclass(kind, AbstractDistribution):
            continue
        found = kind.fitted(seen)
        if found is not None and all(map(math.isfinite, found[0].values())):
            given = {name: _significant(value) for name, value in found[0].items()}
            yield kind(**given), found[1]


def _distance(quantiles: Floats, function: Distribution) -> float:
    """The largest gap between two distribution functions; ties count at their middle."""
    points, first, count = np.unique(quantiles, return_index=True, return_counts=True)
    levels = _LEVELS[first] + (count - 1) / 2 * (_LEVELS[1] - _LEVELS[0])
    theirs = np.array([function(float(point)) for point in points])
    return float(np.abs(theirs - levels).max())


def _decimals(values: Floats) -> int | None:
    """The fewest decimals that hold every value, or None if they are too many for a spec."""
    sample = values[:10_000]
    most = MOST_DIGITS - math.ceil(math.log10(max(np.abs(values).max(), 1)))
    for places in range(min(_MOST_DECIMALS + 1, most)):
        noise = 1e-9 if places < _EXACT else 0.0  # of sums; finer numbers are as they were read
        if np.allclose(sample, np.round(sample, places), rtol=2e-15, atol=noise):
            return places
    return None


def _significant(value: float) -> float:
    return float(f"{value:.4g}")


def _tidy(value: float, whole: bool) -> float:
    return int(value) if whole else value
