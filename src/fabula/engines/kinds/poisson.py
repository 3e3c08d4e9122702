"""Poisson counts."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from fabula.engines.counts import MOST_TABULATED, many_cdf, many_quantile, step_cdf
from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of


@family_of("poisson")
class PoissonFamily(AbstractFamily):
    """`mean`."""

    by_row = False

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return rng.poisson(p["mean"], n).astype(np.float64)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        mean = float(p["mean"])
        if mean > MOST_TABULATED:
            return many_quantile(u, mean, mean)
        return np.searchsorted(_poisson_cdf(mean), u).astype(np.float64)

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        mean = float(p["mean"])
        if mean > MOST_TABULATED:
            return many_cdf(x, mean, mean)
        return step_cdf(_poisson_cdf(mean), x)


@lru_cache(maxsize=256)
def _poisson_cdf(mean: float) -> Floats:
    """Cumulative probabilities of 0, 1, 2 … up to where nothing is left."""
    k = np.arange(int(mean + 12 * math.sqrt(mean) + 30))
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.maximum(k[1:], 1)))))
    log_p = k * math.log(mean) - mean - log_factorial if mean > 0 else np.where(k == 0, 0.0, -800)
    total: Floats = np.minimum(np.cumsum(np.exp(log_p)), 1.0)
    return total
