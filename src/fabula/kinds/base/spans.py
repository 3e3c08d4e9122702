"""Lengths of time and times of day: seconds of some distribution, in their own type."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from fabula.kinds import Distribution
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import is_expression
from fabula.kinds.base.problems import Problem


class AbstractSpan(AbstractColumn):
    """A time that is drawn as seconds.

    Attributes:
        seconds: The distribution of the seconds; without one, each length is equally likely.
        decimals: Decimals of the seconds.
    """

    seconds: Distribution | None = None
    decimals: int = Field(default=0, ge=0, le=6)

    section: ClassVar = "times"

    @abstractmethod
    def ends(self) -> tuple[float, float | None]:
        """The least and the most seconds, both included; None if there is no most."""

    def drawn(self) -> AbstractDistribution:
        """The seconds as a number, cut to the column's ends."""
        from fabula.kinds.uniform import Uniform  # a kind, which can't be imported below kinds

        low, high = self.ends()
        if self.seconds is None:
            assert high is not None
            return Uniform(min=low, max=high, decimals=self.decimals)
        ends = {"min": low, "max": high, "decimals": self.decimals}
        kept = {name: end for name, end in ends.items() if name not in self.seconds.own}
        if self.seconds.min is not None and not is_expression(self.seconds.min):
            kept["min"] = max(low, float(self.seconds.min))
        if self.seconds.max is not None and not is_expression(self.seconds.max):
            kept["max"] = (
                float(self.seconds.max) if high is None else min(high, float(self.seconds.max))
            )
        return self.seconds.model_copy(update=kept)

    def capacity(self) -> float:
        """How many times lie between the ends."""
        return self.drawn().capacity()

    def problems(self) -> Iterator[Problem]:
        """Ends between which no time lies, and what is wrong with the distribution."""
        low, high = self.ends()
        if high is not None and low > high:
            yield Problem("spec.empty-range", "no time fits: the first end is not before the last")
            return
        if self.seconds is None:
            return
        for name in self.seconds.expressions:
            if is_expression(getattr(self.seconds, name)):
                message = f"`{name}` of the seconds must be a plain number"
                hint = "use a column of seconds with `drop: true`, and an `expr` column"
                yield Problem("spec.bad-number", message, f"seconds.{name}", hint)
                return
        for problem in self.drawn().problems():
            place = f"seconds.{problem.parameter}".removesuffix(".")
            yield Problem(problem.code, problem.message, place, problem.hint)
