"""Beta numbers; their distribution function is a table over the logit."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of
from fabula.engines.tabulated import GRID, table_of


@family_of("beta")
class BetaFamily(AbstractFamily):
    """`a`, `b`."""

    by_row = False

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return rng.beta(p["a"], p["b"], n)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        y, total = _beta_table(float(p["a"]), float(p["b"]))
        return 1.0 / (1.0 + np.exp(-np.interp(u, total, y)))

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        y, total = _beta_table(float(p["a"]), float(p["b"]))
        inside = np.clip(x, 1e-300, 1.0 - 1e-16)
        return np.where(x >= 1.0, 1.0, np.interp(np.log(inside / (1.0 - inside)), y, total))


@lru_cache(maxsize=256)
def _beta_table(a: float, b: float) -> tuple[Floats, Floats]:
    """Logit of a beta value over its cumulative probability."""
    y = np.linspace(-40.0 / min(a, 1.0), 40.0 / min(b, 1.0), 4 * GRID)
    return table_of(y, -a * np.logaddexp(0.0, -y) - b * np.logaddexp(0.0, y))
