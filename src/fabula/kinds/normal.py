"""Normal numbers."""

from __future__ import annotations

from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution, Fitted, Moments, normal_cdf
from fabula.kinds.base.parameters import NotNegative, Parameter


@column_kind(
    example='{kind: normal, mean: "20 * size", std: 4, min: 0}', aka=("number", "gaussian")
)
class Normal(AbstractDistribution):
    """A normal number with `mean` and `std`."""

    kind: Literal["normal"] = "normal"
    mean: Parameter = 0.0
    std: NotNegative = 1.0

    def expectation(self) -> float:
        """The mean."""
        return float(self.mean)

    @classmethod
    def fitted(cls, seen: Moments) -> Fitted:
        """Of their mean and standard deviation."""
        mean, std = seen.mean, seen.std
        return {"mean": mean, "std": std}, lambda x: normal_cdf(x, mean, std)
