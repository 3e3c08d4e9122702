"""Poisson counts: events at a steady rate."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution, Fitted, Moments, normal_cdf
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

    @classmethod
    def fitted(cls, seen: Moments) -> Fitted | None:
        """Counts of about as much variance as mean; steps of whole numbers are smoothed."""
        if not seen.whole or seen.low < 0 or not 0.5 < seen.std * seen.std / seen.mean < 2:
            return None
        mean = seen.mean
        if mean > 50:
            return {"mean": mean}, lambda x: normal_cdf(x + 0.5, mean, math.sqrt(mean))
        return {"mean": mean}, lambda x: _sum(mean, x)


def _sum(mean: float, x: float) -> float:
    terms = [math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(int(x) + 1)]
    return sum(terms) - terms[-1] / 2
