"""Gamma numbers; their distribution function is a table over the logarithm."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of
from fabula.engines.tabulated import EDGE, GRID, table_of


@family_of("gamma")
class GammaFamily(AbstractFamily):
    """`shape`, `scale`."""

    by_row = False

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return rng.standard_gamma(p["shape"], n) * p["scale"]

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        y, total = _gamma_table(float(p["shape"]))
        return np.exp(np.interp(u, total, y)) * p["scale"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        y, total = _gamma_table(float(p["shape"]))
        return np.interp(np.log(np.maximum(x / p["scale"], 1e-300)), y, total)


@lru_cache(maxsize=256)
def _gamma_table(shape: float) -> tuple[Floats, Floats]:
    """Log of a unit-scale gamma value over its cumulative probability."""
    low = (math.log(EDGE) + math.lgamma(shape + 1)) / shape
    high = math.log(shape + 40 * math.sqrt(shape) + 40)
    y = np.linspace(min(low, high - 10), high, GRID)
    return table_of(y, shape * y - np.exp(y))
