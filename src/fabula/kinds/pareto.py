"""Pareto numbers: sizes with a heavy tail."""

from __future__ import annotations

from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Positive, Shape


@column_kind(example="{kind: pareto, shape: 1.5, min: 1000}")
class Pareto(AbstractDistribution):
    """A Pareto number: `min` times a power tail of `shape`."""

    kind: Literal["pareto"] = "pareto"
    shape: Shape
    min: Positive = 1.0

    def expectation(self) -> float:
        """Infinite up to a shape of 1; then the middle of the bounds, as far as they are given."""
        shape, low = float(self.shape), float(self.min)
        if shape > 1:
            return low * shape / (shape - 1)
        return (low + float(self.max or 0)) / 2
