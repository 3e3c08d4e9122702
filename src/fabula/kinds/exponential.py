"""Exponential numbers: waits between events at a steady rate."""

from __future__ import annotations

import math
from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution, Fitted, Moments
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

    @classmethod
    def fitted(cls, seen: Moments) -> Fitted | None:
        """Of their mean, if none is below 0."""
        mean = seen.mean
        return ({"mean": mean}, lambda x: 1 - math.exp(-x / mean)) if seen.low >= 0 else None
