"""Lomax numbers: a power tail that begins at 0."""

from __future__ import annotations

import math
from typing import Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Scale, Shape


@column_kind(example="{kind: lomax, shape: 3, scale: 200}", aka=("pareto2", "pareto_ii"))
class Lomax(AbstractDistribution):
    """A Lomax (Pareto II) number with `shape` of the tail and `scale`: losses, sizes of files."""

    kind: Literal["lomax"] = "lomax"
    shape: Shape
    scale: Scale = 1.0

    def support(self) -> tuple[float, float]:
        """Numbers from 0."""
        return 0.0, math.inf

    def expectation(self) -> float:
        """Infinite up to a shape of 1; then the middle of the bounds, as far as they are given."""
        shape = float(self.shape)
        if shape > 1:
            return float(self.scale) / (shape - 1)
        return (float(self.min or 0) + float(self.max or 0)) / 2
