"""Triangular numbers."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of


@family_of("triangular")
class TriangularFamily(AbstractFamily):
    """`min`, `mode`, `max`."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return self.quantile(rng.random(n), p)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        width, rise = p["max"] - p["min"], p["mode"] - p["min"]
        below = p["min"] + np.sqrt(u * width * rise)
        above = p["max"] - np.sqrt((1.0 - u) * width * (width - rise))
        return np.where(u * width <= rise, below, above)

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        width, rise = p["max"] - p["min"], p["mode"] - p["min"]
        at = np.clip(x, p["min"], p["max"])
        below = (at - p["min"]) ** 2 / np.maximum(width * rise, 1e-300)
        above = 1.0 - (p["max"] - at) ** 2 / np.maximum(width * (width - rise), 1e-300)
        return np.where(at < p["mode"], below, above)
