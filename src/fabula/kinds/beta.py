"""Beta numbers: shares."""

from __future__ import annotations

from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Shape


@column_kind(example="{kind: beta, a: 2, b: 5}")
class Beta(AbstractDistribution):
    """A beta number between 0 and 1 with `a` and `b`."""

    kind: Literal["beta"] = "beta"
    a: Shape
    b: Shape

    def support(self) -> tuple[float, float]:
        """Numbers from 0 to 1."""
        return 0.0, 1.0

    def expectation(self) -> float:
        """A / (a + b)."""
        return float(self.a) / (float(self.a) + float(self.b))
