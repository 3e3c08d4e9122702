"""Numbers whose logarithm is normal."""

from __future__ import annotations

import math
from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution, Fitted, Moments, normal_cdf
from fabula.kinds.base.parameters import Positive, Scale


@column_kind(example="{kind: lognormal, median: 60, sigma: 0.5, min: 5, decimals: 2}")
class Lognormal(AbstractDistribution):
    """A number whose logarithm is normal: `median`, and `sigma` of the logarithm."""

    kind: Literal["lognormal"] = "lognormal"
    median: Positive = 1.0
    sigma: Scale = 1.0

    def support(self) -> tuple[float, float]:
        """Numbers from 0."""
        return 0.0, math.inf

    def expectation(self) -> float:
        """exp(sigma²/2) medians."""
        return float(self.median) * math.exp(float(self.sigma) ** 2 / 2)

    @classmethod
    def fitted(cls, seen: Moments) -> Fitted | None:
        """Of the mean and standard deviation of their logarithms, if all are above 0."""
        middle, sigma = seen.log_mean, seen.log_std
        if seen.low <= 0:
            return None
        given = {"median": math.exp(middle), "sigma": sigma}
        return given, lambda x: normal_cdf(math.log(x), middle, sigma)
