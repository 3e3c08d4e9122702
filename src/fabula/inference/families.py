"""Which distribution a column of numbers looks most like."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.inference.guesses import Guess
from fabula.kinds.base.columns import AbstractNumber
from fabula.spec import col

Floats = NDArray[np.float64]
Distribution = Callable[[float], float]

_LEVELS = np.linspace(0.005, 0.995, 199)
_POOR_FIT = 0.1
MOST_DIGITS = 18
"""Digits of a bound, decimals included, that a column rounds to."""
_ONE_NUMBER = ("poisson", "exponential")
_SIMPLER = 0.01
"""How much worse a family of one parameter may fit than one of two."""


def nearest_family(values: Floats, *, whole: bool) -> Guess:
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
        return Guess(col.constant(bounds["min"]), "it has one value")
    quantiles = np.quantile(values, _LEVELS)
    fits = [
        (_distance(quantiles, function), column) for column, function in _candidates(values, whole)
    ]
    distance, column = min(fits, key=lambda fit: fit[0] - _SIMPLER * (fit[1].kind in _ONE_NUMBER))
    rounding = {} if column.kind == "poisson" else {"decimals": decimals}
    reason = f"nearest of {len(fits)} families, distance {distance:.2f}"
    if distance > _POOR_FIT:
        reason += ": a poor fit, look at it"
    return Guess(column.model_copy(update={**bounds, **rounding}), reason)


def _candidates(values: Floats, whole: bool) -> Iterator[tuple[AbstractNumber, Distribution]]:
    low, high = float(values.min()), float(values.max())
    mean, std = float(values.mean()), float(values.std())
    yield col.uniform(low, high), lambda x: (x - low) / (high - low)
    yield col.normal(_significant(mean), _significant(std)), NormalDist(mean, std).cdf
    if whole and low >= 0 and 0.5 < std * std / mean < 2:
        yield col.poisson(_significant(mean)), _poisson(mean)
    if low >= 0:
        yield col.exponential(_significant(mean)), lambda x: 1 - math.exp(-x / mean)
    if low > 0:
        logs = np.log(values)
        middle, sigma = float(logs.mean()), float(logs.std())
        function = NormalDist(middle, sigma).cdf
        column = col.lognormal(_significant(math.exp(middle)), _significant(sigma))
        yield column, lambda x: function(math.log(x))


def _poisson(mean: float) -> Distribution:
    """The distribution function, with the steps of whole numbers smoothed."""
    normal = NormalDist(mean, math.sqrt(mean))
    return lambda x: normal.cdf(x + 0.5) if mean > 50 else _poisson_sum(mean, x)


def _poisson_sum(mean: float, x: float) -> float:
    terms = [math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(int(x) + 1)]
    return sum(terms) - terms[-1] / 2


def _distance(quantiles: Floats, function: Distribution) -> float:
    """The largest gap between two distribution functions; ties count at their middle."""
    points, first, count = np.unique(quantiles, return_index=True, return_counts=True)
    levels = _LEVELS[first] + (count - 1) / 2 * (_LEVELS[1] - _LEVELS[0])
    theirs = np.array([function(float(point)) for point in points])
    return float(np.abs(theirs - levels).max())


def _decimals(values: Floats) -> int | None:
    """The fewest decimals that hold every value, or None where a spec can't state so many."""
    sample = values[:10_000]
    most = MOST_DIGITS - math.ceil(math.log10(max(np.abs(values).max(), 1)))
    for places in range(min(7, most)):
        if np.allclose(sample, np.round(sample, places), rtol=0, atol=1e-9):
            return places
    return None


def _significant(value: float) -> float:
    return float(f"{value:.4g}")


def _tidy(value: float, whole: bool) -> float:
    return int(value) if whole else value
