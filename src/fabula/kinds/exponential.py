"""Exponential numbers: waits between events at a steady rate."""

from __future__ import annotations

import math
from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import NotNegative


@column_kind(example="{kind: exponential, mean: 12}")
class Exponential(AbstractDistribution):
    """An exponential number with `mean`."""

    kind: Literal["exponential"] = "exponential"
    mean: NotNegative = 1.0

    def support(self) -> tuple[float, float]:
        """Numbers from 0."""
        return 0.0, math.inf

    def expectation(self) -> float:
        """The mean."""
        return float(self.mean)
