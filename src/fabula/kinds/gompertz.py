"""Gompertz numbers: ages at death, whose hazard grows steadily."""

from __future__ import annotations

import math
from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Scale, Shape

_EULER = 0.5772156649015329


@column_kind(example="{kind: gompertz, shape: 0.0003, scale: 10}", aka=("mortality",))
class Gompertz(AbstractDistribution):
    """A Gompertz number with `shape` and `scale`: ages at death, lifetimes of customers.

    The hazard is shape/scale at 0 and grows by the factor e with every `scale`.
    """

    kind: Literal["gompertz"] = "gompertz"
    shape: Shape
    scale: Scale = 1.0

    def support(self) -> tuple[float, float]:
        """Numbers from 0."""
        return 0.0, math.inf

    def expectation(self) -> float:
        """The scale times exp(shape) E1(shape)."""
        return float(self.scale) * _scaled_exponential_integral(float(self.shape))


def _scaled_exponential_integral(x: float) -> float:
    """exp(x) E1(x) above 0: a series up to 1, beyond it a continued fraction, from its end."""
    if x > 1:
        fraction = x
        for k in range(60, 0, -1):
            fraction = x + k / (1 + k / fraction)
        return 1 / fraction
    terms, term = 0.0, 1.0
    for k in range(1, 30):
        term *= -x / k
        terms -= term / k
    return math.exp(x) * (terms - _EULER - math.log(x))
