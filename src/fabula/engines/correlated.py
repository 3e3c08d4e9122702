"""Numeric columns that vary together: a Gaussian copula over their own distributions.

Each column keeps its distribution; ranks follow correlated normal numbers. A Pearson target is
met by solving for the normal correlation that gives it (NORTA: Cario and Nelson 1997), with
Hermite expansions of the quantile functions; a Spearman target by 2 sin(pi r / 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import family
from fabula.engines.kinds.mixture import cut_to
from fabula.engines.numbers import bounds, constants, rounded, truncated_quantile
from fabula.engines.special import normal_cdf
from fabula.errors import SpecError, Violation
from fabula.io.arrays import array_of
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.choice import Choice
from fabula.kinds.mixture import Mixture
from fabula.planning.plan import TablePlan
from fabula.spec.tables import Correlation

Floats = NDArray[np.float64]
_Ordered: TypeAlias = AbstractDistribution | Mixture | Choice

_POINTS = 4_096
"""Slots of each part of a mixture, in the order of all of its values."""

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
        ordered = [spec for spec in specs if isinstance(spec, _Ordered)]
        self._quantiles = [_quantile(spec) for spec in ordered]
        self._name = f"correlation:{'+'.join(group.columns)}"
        self._plan = plan
        where = f"tables.{plan.name}.correlations.{number}"
        self._factor = _factor(group, self._quantiles, where)

    def engine(self, place: int, name: str) -> Engine:
        """The engine of one of the columns."""
        quantile, kind = self._quantiles[place], self._plan.columns[name].type

        def make(block: Block) -> Array:
            rng = block.rng(self._name)
            z = rng.standard_normal((block.rows, len(self._quantiles)))
            values = quantile(_shares(z @ self._factor[place]))
            return array_of(values).cast(kind, safe=False)

        return make


def _shares(z: Floats) -> Floats:
    """The share of all that lies below standard normal numbers, never 0 or 1."""
    shares: Floats = np.clip(normal_cdf(z), 1e-15, 1 - 1e-15)
    return shares


def _quantile(spec: _Ordered) -> Callable[[Floats], Floats]:
    """The function from the share of a column that lies below a value to that value."""
    if isinstance(spec, Choice):
        return _steps(np.array(spec.values, np.float64), np.asarray(spec.weights or 1.0))
    if isinstance(spec, Mixture):
        return _mixed(spec)
    low, high = bounds(spec)
    drawn, p = family(spec.kind), constants(spec)
    first = -np.inf if "min" in spec.own else low
    last = np.inf if "max" in spec.own else high

    def values(u: Floats) -> Floats:
        found = truncated_quantile(drawn, u, p, first, last, counts=spec.counts)
        return rounded(found, spec.decimals, low, high)

    return values


def _mixed(spec: Mixture) -> Callable[[Floats], Floats]:
    """Quantiles of a mixture, each of which is one of a component, and rounded as that is.

    The components' own quantiles, in one order, divide all shares into as many slots; a share in
    a slot is a share of the slot's component.
    """
    parts = [_quantile(cut_to(part.column, spec)) for part in spec.of]
    middles = (np.arange(_POINTS) + 0.5) / _POINTS
    points = np.concatenate([quantile(middles) for quantile in parts])
    order = np.argsort(points, kind="stable")
    component, place = np.divmod(order, _POINTS)
    widths = np.array([part.weight for part in spec.of])[component]
    ends = np.cumsum(widths)
    low, high = bounds(spec)

    def values(u: Floats) -> Floats:
        wanted = u * ends[-1]
        slot = np.minimum(np.searchsorted(ends, wanted, side="right"), len(ends) - 1)
        inside = 1 - (ends[slot] - wanted) / widths[slot]
        shares = np.clip((place[slot] + inside) / _POINTS, 1e-15, 1 - 1e-15)
        found = np.empty(len(u))
        for number, quantile in enumerate(parts):
            of_part = component[slot] == number
            found[of_part] = quantile(shares[of_part])
        return rounded(found, spec.decimals, low, high)

    return values


def _steps(values: Floats, weights: Floats) -> Callable[[Floats], Floats]:
    """Quantiles of listed numbers."""
    order = np.argsort(values, kind="stable")
    values, ends = values[order], np.cumsum(np.broadcast_to(weights, len(values))[order])
    return lambda u: values[np.searchsorted(ends[:-1], u * ends[-1], side="right")]


def _factor(
    group: Correlation, quantiles: Sequence[Callable[[Floats], Floats]], where: str
) -> Floats:
    """Rows that turn independent normal numbers into ones with the wanted effect."""
    wanted = np.array(group.full)
    normal = np.eye(len(quantiles))
    shapes = [_hermite(quantile) for quantile in quantiles]
    for i in range(len(quantiles)):
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


def _hermite(quantile: Callable[[Floats], Floats]) -> Floats:
    """Coefficients of the standardised marginal over the normalised Hermite polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / math.sqrt(2 * math.pi)
    values = quantile(_shares(nodes))
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
