"""Pareto numbers."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of


@family_of("pareto")
class ParetoFamily(AbstractFamily):
    """`shape` of the tail, `min` where it begins."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return np.exp(rng.standard_exponential(n) / p["shape"]) * p["min"]

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return np.exp(-np.log1p(-u) / p["shape"]) * p["min"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        return 1.0 - (p["min"] / np.maximum(x, p["min"])) ** p["shape"]
