"""Normal numbers."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of
from fabula.engines.special import normal_cdf, normal_quantile


@family_of("normal")
class NormalFamily(AbstractFamily):
    """`mean`, `std`."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        x = rng.standard_normal(n)
        x *= p["std"]
        x += p["mean"]
        return x

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return normal_quantile(u) * p["std"] + p["mean"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        return normal_cdf((x - p["mean"]) / np.maximum(p["std"], 1e-300))
