"""Numeric columns that vary together: a Gaussian copula over their own distributions.

Each column keeps its distribution; ranks follow correlated normal numbers. A Pearson target is
met by solving for the normal correlation that gives it (NORTA: Cario and Nelson 1997), with
Hermite expansions of the quantile functions; a Spearman target by 2 sin(pi r / 6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import family
from fabula.engines.numbers import bounds, constants, rounded, truncated_quantile
from fabula.engines.special import normal_cdf
from fabula.errors import SpecError, Violation
from fabula.io.arrays import array_of
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.choice import Choice
from fabula.planning.plan import TablePlan
from fabula.spec.tables import Correlation

Floats = NDArray[np.float64]
_Ordered: TypeAlias = AbstractDistribution | Choice

_NODES = 120
_ORDER = 40
_SLACK = 0.02
"""Largest difference between a wanted correlation and the one that can be had."""


def correlated_engines(plan: TablePlan) -> dict[str, Engine]:
    """Engines of all columns in correlation groups."""
    engines: dict[str, Engine] = {}
    for number, group in enumerate(plan.spec.correlations):
        shared = _Group(plan, group, number)
        for place, name in enumerate(group.columns):
            engines[name] = shared.engine(place, name)
    return engines


class _Group:
    """Correlated normal numbers that several columns share."""

    def __init__(self, plan: TablePlan, group: Correlation, number: int) -> None:
        specs = [plan.columns[name].spec for name in group.columns]
        self._specs = [spec for spec in specs if isinstance(spec, AbstractDistribution | Choice)]
        self._name = f"correlation:{'+'.join(group.columns)}"
        self._plan = plan
        where = f"tables.{plan.name}.correlations.{number}"
        self._factor = _factor(group, self._specs, where)

    def engine(self, place: int, name: str) -> Engine:
        """The engine of one of the columns."""
        spec, kind = self._specs[place], self._plan.columns[name].type

        def make(block: Block) -> Array:
            rng = block.rng(self._name)
            z = rng.standard_normal((block.rows, len(self._specs)))
            values = _marginal(spec, z @ self._factor[place])
            return array_of(values).cast(kind, safe=False)

        return make


def _marginal(spec: _Ordered, z: Floats) -> Floats:
    """A standard normal number as a value of the column's distribution."""
    u = np.clip(normal_cdf(z), 1e-15, 1 - 1e-15)
    if isinstance(spec, Choice):
        return _chosen(spec, u)
    low, high = bounds(spec)
    drawn, p = family(spec.kind), constants(spec)
    first = -np.inf if "min" in spec.own else low
    last = np.inf if "max" in spec.own else high
    values = truncated_quantile(drawn, u, p, first, last, counts=spec.counts)
    return rounded(values, spec.decimals, low, high)


def _chosen(spec: Choice, u: Floats) -> Floats:
    """The listed number below which a share `u` of the column lies."""
    values = np.array(spec.values, np.float64)
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(np.asarray(spec.weights or np.ones(len(values)))[order])
    at = np.searchsorted(ends[:-1], u * ends[-1], side="right")
    chosen: Floats = values[order][at]
    return chosen


def _factor(group: Correlation, specs: Sequence[_Ordered], where: str) -> Floats:
    """Rows that turn independent normal numbers into ones with the wanted effect."""
    wanted = np.array(group.full)
    normal = np.eye(len(specs))
    shapes = [_hermite(spec) for spec in specs]
    for i in range(len(specs)):
        for j in range(i):
            if group.method == "spearman":
                r = 2 * math.sin(math.pi * wanted[i, j] / 6)
            else:
                r = _solve(
                    shapes[i] * shapes[j], wanted[i, j], group.columns[i], group.columns[j], where
                )
            normal[i, j] = normal[j, i] = r
    values, vectors = np.linalg.eigh(normal)
    if values.min() < -_SLACK:
        raise SpecError(
            [
                Violation(
                    "spec.bad-correlation",
                    "these correlations contradict each other (no such matrix can exist)",
                    where,
                    "make the largest ones smaller",
                )
            ]
        )
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    scale: Floats = np.sqrt((root**2).sum(axis=1, keepdims=True))
    return np.asarray(root / scale, dtype=np.float64)


def _hermite(spec: _Ordered) -> Floats:
    """Coefficients of the standardised marginal over the normalised Hermite polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / math.sqrt(2 * math.pi)
    values = _marginal(spec, nodes)
    mean = float(weights @ values)
    deviation = math.sqrt(max(float(weights @ (values - mean) ** 2), 1e-300))
    standard = (values - mean) / deviation
    polynomials = np.empty((_ORDER + 1, _NODES))
    polynomials[0], polynomials[1] = 1.0, nodes
    for k in range(1, _ORDER):
        step = nodes * polynomials[k] - math.sqrt(k) * polynomials[k - 1]
        polynomials[k + 1] = step / math.sqrt(k + 1)
    return np.asarray(polynomials[1:] @ (weights * standard), dtype=np.float64)


def _solve(products: Floats, wanted: float, left: str, right: str, where: str) -> float:
    """The normal correlation r with sum of products[k] * r ** k equal to `wanted` (bisection)."""
    powers = np.arange(1, len(products) + 1)

    def reached(r: float) -> float:
        return float((products * np.power(r, powers)).sum())

    low, high = -1.0, 1.0
    if not reached(low) - _SLACK <= wanted <= reached(high) + _SLACK:
        message = (
            f"a correlation of {wanted:g} between `{left}` and `{right}` is not attainable: their "
            f"distributions allow {reached(low):.2f} to {reached(high):.2f}"
        )
        raise SpecError([Violation("spec.bad-correlation", message, where)])
    for _ in range(60):
        middle = (low + high) / 2
        if reached(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
