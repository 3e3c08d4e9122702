"""Triangular numbers: a guess of the lowest, the likeliest and the highest value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Parameter


@column_kind(example="{kind: triangular, min: 2, mode: 5, max: 14}", aka=("triangle", "pert"))
class Triangular(AbstractDistribution):
    """A number between `min` and `max` that is likeliest at `mode`: estimates by experts."""

    kind: Literal["triangular"] = "triangular"
    min: Parameter
    mode: Parameter
    max: Parameter

    agreement: ClassVar = "`mode` must lie between `min` and `max`"

    @classmethod
    def disagree(cls, p: Mapping[str, Any]) -> Any:
        """Where the mode lies outside."""
        return (p["mode"] < p["min"]) | (p["mode"] > p["max"])

    def expectation(self) -> float:
        """The mean of the three."""
        return (float(self.min) + float(self.mode) + float(self.max)) / 3
