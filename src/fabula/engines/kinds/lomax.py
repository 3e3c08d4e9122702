"""Lomax numbers."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of


@family_of("lomax")
class LomaxFamily(AbstractFamily):
    """`shape`, `scale`."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return np.expm1(rng.standard_exponential(n) / p["shape"]) * p["scale"]

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return np.expm1(-np.log1p(-u) / p["shape"]) * p["scale"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        units = np.maximum(x, 0.0) / np.maximum(p["scale"], 1e-300)
        return -np.expm1(-np.log1p(units) * p["shape"])
