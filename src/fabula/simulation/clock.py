"""The clock of a world that moves in steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from fabula.kinds.base.parameters import seconds
from fabula.simulation.faults import ModelFault


@dataclass(frozen=True)
class Clock:
    """When a world starts, and how long a step is.

    Attributes:
        start: The time of step 0.
        step: The length of a step in seconds.
    """

    start: dt.datetime
    step: float

    def steps_in(self, length: str | int) -> int:
        """A length of time in steps: `"2d"`, or a number of steps.

        Raises:
            ModelFault: It is not a whole number of steps, or below one.
        """
        steps = length if isinstance(length, int) else self._parsed(length)
        if steps < 1 or steps != int(steps):
            raise ModelFault(
                f"`{length}` is not a whole number of steps of {self.step:g} s",
                "give a multiple of the world's `step`",
            )
        return int(steps)

    def _parsed(self, length: str) -> float:
        try:
            return seconds(length) / self.step
        except ValueError as error:
            raise ModelFault(str(error), 'write `"2d"`, `"6h"` or `"15m"`') from error

    def at(self, step: int) -> dt.datetime:
        """The time of a step."""
        return self.start + dt.timedelta(seconds=self.step * step)


@dataclass(frozen=True)
class Now:
    """The step that is under way.

    Attributes:
        step: Its number, from 0.
        time: Its time.
    """

    step: int
    time: dt.datetime

    @property
    def weekday(self) -> int:
        """0 on Mondays to 6 on Sundays."""
        return self.time.weekday()

    @property
    def hour(self) -> int:
        """The hour of the day, 0 to 23."""
        return self.time.hour

    def __str__(self) -> str:
        return f"step {self.step} ({self.time:%Y-%m-%d %H:%M})"

    def weekly(self, factors: Sequence[float]) -> float:
        """Today's factor of seven, from Monday on."""
        return self._of(factors, 7, self.weekday)

    def daily(self, factors: Sequence[float]) -> float:
        """This hour's factor of 24."""
        return self._of(factors, 24, self.hour)

    def _of(self, factors: Sequence[float], size: int, place: int) -> float:
        if len(factors) != size:
            raise ModelFault(f"{len(factors)} factors were given, and {size} are needed")
        return float(factors[place])
