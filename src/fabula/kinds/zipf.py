"""Zipf ranks: few values that are frequent, many that are rare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.problems import Problem

_MOST_SUMMED = 100_000


@column_kind(example="{kind: zipf, exponent: 1.2, max: 500}")
class Zipf(AbstractDistribution):
    """A rank from 1 to `max`, with probability proportional to rank ** -exponent."""

    kind: Literal["zipf"] = "zipf"
    exponent: float = Field(default=1.1, gt=0)
    max: int = Field(default=1000, ge=1)

    counts: ClassVar = True
    inverts: ClassVar = False
    expressions: ClassVar = ()

    @classmethod
    def from_short(cls, value: Any, most: int | None) -> dict[str, Any]:
        """`zipf: 1.2` means the exponent; ranks end at the most rows of a parent."""
        return {"exponent": value, "max": most or 1000}

    def problems(self) -> Iterator[Problem]:
        """A lowest rank, which is always 1."""
        if self.min is not None:
            message = "a `zipf` rank starts at 1"
            yield Problem("spec.bad-number", message, "min", "leave out `min`")
        yield from super().problems()

    def support(self) -> tuple[float, float]:
        """Ranks from 1."""
        return 1.0, math.inf

    def expectation(self) -> float:
        """The mean rank, by its sum; of more than 100,000 ranks, that of the first 100,000."""
        ranks = range(1, min(self.max, _MOST_SUMMED) + 1)
        chances = [rank**-self.exponent for rank in ranks]
        return float(sum(i * chance for i, chance in enumerate(chances, 1)) / sum(chances))
