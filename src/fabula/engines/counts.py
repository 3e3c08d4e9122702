"""Distribution functions of counts."""

from __future__ import annotations

import math

import numpy as np

from fabula.engines.families import Floats
from fabula.engines.special import normal_cdf, normal_quantile

MOST_TABULATED = 1_000_000
"""Counts with a larger mean or more trials are nearly normal, and no table is made of them."""


def many_quantile(u: Floats, mean: float, variance: float) -> Floats:
    """Quantiles of a count too large for a table: normal, its error is below 1e-3 there."""
    return np.maximum(np.rint(normal_quantile(u) * math.sqrt(variance) + mean), 0.0)


def many_cdf(x: Floats, mean: float, variance: float) -> Floats:
    """The distribution function of a count too large for a table."""
    return normal_cdf((np.floor(x) + 0.5 - mean) / math.sqrt(max(variance, 1e-300)))


def step_cdf(total: Floats, x: Floats) -> Floats:
    """The distribution function at each value, from its table at whole numbers from 0."""
    k = np.floor(x).astype(np.int64)
    return np.where(k < 0, 0.0, total[np.clip(k, 0, len(total) - 1)])
