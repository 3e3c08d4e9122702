"""Weibull numbers: lifetimes and wind speeds."""

from __future__ import annotations

import math
from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Scale, Shape


@column_kind(example="{kind: weibull, shape: 1.5, scale: 10}", aka=("lifetime",))
class Weibull(AbstractDistribution):
    """A Weibull number with `shape` and `scale`: lifetimes, wind speeds.

    Failures become rarer with age below a shape of 1, more frequent above it.
    """

    kind: Literal["weibull"] = "weibull"
    shape: Shape
    scale: Scale = 1.0

    def support(self) -> tuple[float, float]:
        """Numbers from 0."""
        return 0.0, math.inf

    def expectation(self) -> float:
        """The scale times gamma(1 + 1/shape)."""
        return float(self.scale) * math.exp(min(math.lgamma(1 + 1 / float(self.shape)), 700.0))
