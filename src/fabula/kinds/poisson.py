"""Poisson counts: events at a steady rate."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Count


@column_kind(example="{kind: poisson, mean: 1.5, min: 1}")
class Poisson(AbstractDistribution):
    """A count with `mean`."""

    kind: Literal["poisson"] = "poisson"
    mean: Count

    counts: ClassVar = True

    def support(self) -> tuple[float, float]:
        """Whole numbers from 0."""
        return 0.0, math.inf

    def expectation(self) -> float:
        """The mean."""
        return float(self.mean)
