"""Lognormal numbers."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of
from fabula.engines.special import normal_cdf, normal_quantile


@family_of("lognormal")
class LognormalFamily(AbstractFamily):
    """`median`, `sigma` of the logarithm."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        x = rng.standard_normal(n)
        x *= p["sigma"]
        np.exp(x, out=x)
        x *= p["median"]
        return x

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return np.exp(normal_quantile(u) * p["sigma"]) * p["median"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        safe = np.maximum(x, 1e-300)
        return normal_cdf(np.log(safe / p["median"]) / p["sigma"])
