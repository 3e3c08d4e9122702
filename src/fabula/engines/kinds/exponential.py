"""Exponential numbers."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of


@family_of("exponential")
class ExponentialFamily(AbstractFamily):
    """`mean`."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return rng.standard_exponential(n) * p["mean"]

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return -np.log1p(-u) * p["mean"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        return -np.expm1(-np.maximum(x, 0.0) / np.maximum(p["mean"], 1e-300))
