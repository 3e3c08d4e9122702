"""Binomial counts: successes among trials."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Chance, Count


@column_kind(example="{kind: binomial, trials: 10, p: 0.3}")
class Binomial(AbstractDistribution):
    """Successes among `trials`, each with chance `p`."""

    kind: Literal["binomial"] = "binomial"
    trials: Count
    p: Chance

    counts: ClassVar = True

    def support(self) -> tuple[float, float]:
        """Whole numbers from 0 to `trials`."""
        known = isinstance(self.trials, int | float)
        return 0.0, max(0.0, float(self.trials)) if known else math.inf

    def expectation(self) -> float:
        """Trials times chance."""
        return float(self.trials) * float(self.p)
