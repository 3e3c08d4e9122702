"""Gamma numbers: sums of waits."""

from __future__ import annotations

import math
from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Scale, Shape


@column_kind(example="{kind: gamma, shape: 2, scale: 30}")
class Gamma(AbstractDistribution):
    """A gamma number with `shape` and `scale` (mean: shape x scale)."""

    kind: Literal["gamma"] = "gamma"
    shape: Shape
    scale: Scale = 1.0

    def support(self) -> tuple[float, float]:
        """Numbers from 0."""
        return 0.0, math.inf

    def expectation(self) -> float:
        """Shape times scale."""
        return float(self.shape) * float(self.scale)
