"""Uniform numbers."""

from __future__ import annotations

import math
from typing import Any, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution, Fitted, Moments
from fabula.kinds.base.parameters import Parameter


@column_kind(
    example="{kind: uniform, min: 18, max: 90, decimals: 0}", aka=("int", "integer", "float")
)
class Uniform(AbstractDistribution):
    """A uniform number between `min` and `max`; whole numbers with `decimals: 0`."""

    kind: Literal["uniform"] = "uniform"
    min: Parameter = 0.0
    max: Parameter = 1.0

    @classmethod
    def from_short(cls, value: Any, most: int | None) -> dict[str, Any]:
        """`uniform: [1, 5]` means whole numbers between the two, both included."""
        if isinstance(value, list | tuple) and len(value) == 2:
            return {"min": value[0], "max": value[1], "decimals": 0}
        return super().from_short(value, most)

    def grid_ends(self) -> tuple[int, int] | None:
        """The first and last value in steps of the column's decimals; None without constant ends.

        Whole bounds stay whole: `2**63 - 1` is not a float64.
        """
        low, high, scale = self.min, self.max, 10 ** (self.decimals or 0)
        if isinstance(low, str) or isinstance(high, str):
            return None
        first = low * scale if isinstance(low, int) else math.ceil(low * scale - 1e-9)
        last = high * scale if isinstance(high, int) else math.floor(high * scale + 1e-9)
        return first, last

    def capacity(self) -> float:
        """How many values with the column's decimals lie between `min` and `max`."""
        ends = None if self.decimals is None else self.grid_ends()
        return super().capacity() if ends is None else max(0, ends[1] - ends[0] + 1)

    def expectation(self) -> float:
        """The middle."""
        return (float(self.min) + float(self.max)) / 2

    @classmethod
    def fitted(cls, seen: Moments) -> Fitted:
        """Between the lowest and the highest value."""
        low, width = seen.low, seen.high - seen.low
        return {"min": low, "max": seen.high}, lambda x: (x - low) / width
