"""Binomial counts."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from fabula.engines.counts import MOST_TABULATED, many_cdf, many_quantile, step_cdf
from fabula.engines.families import AbstractFamily, Floats, Parameters
from fabula.engines.kinds import family_of


@family_of("binomial")
class BinomialFamily(AbstractFamily):
    """`trials`, `p`."""

    by_row = False

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        trials = np.asarray(p["trials"]).astype(np.int64)
        return rng.binomial(trials, p["p"], n).astype(np.float64)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        trials, chance = int(p["trials"]), float(p["p"])
        if trials > MOST_TABULATED:
            found = many_quantile(u, trials * chance, trials * chance * (1 - chance))
            return np.clip(found, 0, trials)
        return np.searchsorted(_binomial_cdf(trials, chance), u).astype(np.float64)

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        trials, chance = int(p["trials"]), float(p["p"])
        if trials > MOST_TABULATED:
            return many_cdf(x, trials * chance, trials * chance * (1 - chance))
        return step_cdf(_binomial_cdf(trials, chance), x)


@lru_cache(maxsize=256)
def _binomial_cdf(trials: int, p: float) -> Floats:
    """Cumulative probabilities of 0 … trials."""
    if p in (0.0, 1.0):
        return (np.arange(trials + 1) >= trials * p).astype(np.float64)
    k = np.arange(trials + 1)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, trials + 1)))))
    log_choose = log_factorial[trials] - log_factorial - log_factorial[::-1]
    total = np.cumsum(np.exp(log_choose + k * math.log(p) + (trials - k) * math.log1p(-p)))
    share: Floats = total / total[-1]
    return share
