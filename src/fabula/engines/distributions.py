"""Distribution families: how each is drawn, its quantiles, and its distribution function.

Parameters are numbers or arrays of one value a row. Quantiles and distribution functions serve
truncation and correlation, which need constant parameters where a table is used.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.engines.special import normal_cdf, normal_quantile

Floats = NDArray[np.float64]
Value: TypeAlias = float | Floats
Parameters = Mapping[str, Value]

_GRID = 20_001
_EDGE = 1e-12
_MOST_TABULATED = 1_000_000


class AbstractFamily(ABC):
    """A family of distributions.

    Attributes:
        whole: Whether its values are whole numbers.
        by_row: Whether quantiles and probabilities can have other parameters in each row.
    """

    whole: ClassVar[bool] = False
    by_row: ClassVar[bool] = True

    @abstractmethod
    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        """`n` values."""

    @abstractmethod
    def quantile(self, u: Floats, p: Parameters) -> Floats:
        """The value at each cumulative probability in (0, 1)."""

    @abstractmethod
    def cdf(self, x: Floats, p: Parameters) -> Floats:
        """The cumulative probability of each value."""


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


class ExponentialFamily(AbstractFamily):
    """`mean`."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return rng.standard_exponential(n) * p["mean"]

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return -np.log1p(-u) * p["mean"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        return -np.expm1(-np.maximum(x, 0.0) / np.maximum(p["mean"], 1e-300))


class ParetoFamily(AbstractFamily):
    """`shape` of the tail, `min` where it begins."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return np.exp(rng.standard_exponential(n) / p["shape"]) * p["min"]

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return np.exp(-np.log1p(-u) / p["shape"]) * p["min"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        return 1.0 - (p["min"] / np.maximum(x, p["min"])) ** p["shape"]


class UniformFamily(AbstractFamily):
    """`min`, `max`."""

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return self.quantile(rng.random(n), p)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return u * (p["max"] - p["min"]) + p["min"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        return np.clip((x - p["min"]) / np.maximum(p["max"] - p["min"], 1e-300), 0.0, 1.0)


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


class PoissonFamily(AbstractFamily):
    """`mean`."""

    whole = True
    by_row = False

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return rng.poisson(p["mean"], n).astype(np.float64)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        mean = float(p["mean"])
        if mean > _MOST_TABULATED:
            return _many_quantile(u, mean, mean)
        return np.searchsorted(_poisson_cdf(mean), u).astype(np.float64)

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        mean = float(p["mean"])
        if mean > _MOST_TABULATED:
            return _many_cdf(x, mean, mean)
        return _step_cdf(_poisson_cdf(mean), x)


class BinomialFamily(AbstractFamily):
    """`trials`, `p`."""

    whole = True
    by_row = False

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        trials = np.asarray(p["trials"]).astype(np.int64)
        return rng.binomial(trials, p["p"], n).astype(np.float64)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        trials, chance = int(p["trials"]), float(p["p"])
        if trials > _MOST_TABULATED:
            found = _many_quantile(u, trials * chance, trials * chance * (1 - chance))
            return np.clip(found, 0, trials)
        return np.searchsorted(_binomial_cdf(trials, chance), u).astype(np.float64)

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        trials, chance = int(p["trials"]), float(p["p"])
        if trials > _MOST_TABULATED:
            return _many_cdf(x, trials * chance, trials * chance * (1 - chance))
        return _step_cdf(_binomial_cdf(trials, chance), x)


FAMILIES: dict[str, AbstractFamily] = {
    "normal": NormalFamily(),
    "lognormal": LognormalFamily(),
    "exponential": ExponentialFamily(),
    "pareto": ParetoFamily(),
    "uniform": UniformFamily(),
    "gamma": GammaFamily(),
    "beta": BetaFamily(),
    "poisson": PoissonFamily(),
    "binomial": BinomialFamily(),
}
"""Families by column kind."""


def _table(y: Floats, log_density: Floats) -> tuple[Floats, Floats]:
    """Cumulative probability over a grid, by the trapezoidal rule on a smooth decaying density."""
    density = np.exp(log_density - log_density.max())
    total = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    total /= total[-1]
    rising = np.concatenate(([True], np.diff(total) > 0))
    return y[rising], total[rising]


@lru_cache(maxsize=256)
def _gamma_table(shape: float) -> tuple[Floats, Floats]:
    """Log of a unit-scale gamma value over its cumulative probability."""
    low = (math.log(_EDGE) + math.lgamma(shape + 1)) / shape
    high = math.log(shape + 40 * math.sqrt(shape) + 40)
    y = np.linspace(min(low, high - 10), high, _GRID)
    return _table(y, shape * y - np.exp(y))


@lru_cache(maxsize=256)
def _beta_table(a: float, b: float) -> tuple[Floats, Floats]:
    """Logit of a beta value over its cumulative probability."""
    y = np.linspace(-40.0 / min(a, 1.0), 40.0 / min(b, 1.0), 4 * _GRID)
    return _table(y, -a * np.logaddexp(0.0, -y) - b * np.logaddexp(0.0, y))


@lru_cache(maxsize=256)
def _poisson_cdf(mean: float) -> Floats:
    """Cumulative probabilities of 0, 1, 2 … up to where nothing is left."""
    k = np.arange(int(mean + 12 * math.sqrt(mean) + 30))
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.maximum(k[1:], 1)))))
    log_p = k * math.log(mean) - mean - log_factorial if mean > 0 else np.where(k == 0, 0.0, -800)
    total: Floats = np.minimum(np.cumsum(np.exp(log_p)), 1.0)
    return total


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


def _many_quantile(u: Floats, mean: float, variance: float) -> Floats:
    """Quantiles of a count too large for a table: normal, its error is below 1e-3 there."""
    return np.maximum(np.rint(normal_quantile(u) * math.sqrt(variance) + mean), 0.0)


def _many_cdf(x: Floats, mean: float, variance: float) -> Floats:
    return normal_cdf((np.floor(x) + 0.5 - mean) / math.sqrt(max(variance, 1e-300)))


def _step_cdf(total: Floats, x: Floats) -> Floats:
    k = np.floor(x).astype(np.int64)
    return np.where(k < 0, 0.0, total[np.clip(k, 0, len(total) - 1)])
