"""Weibull numbers."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of


@family_of("weibull")
class WeibullFamily(AbstractFamily):
    """`shape`, `scale`."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return rng.standard_exponential(n) ** (1.0 / p["shape"]) * p["scale"]

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return (-np.log1p(-u)) ** (1.0 / p["shape"]) * p["scale"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        units = np.maximum(x, 0.0) / np.maximum(p["scale"], 1e-300)
        return -np.expm1(-(units ** p["shape"]))
