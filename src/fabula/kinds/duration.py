"""Lengths of time."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.parameters import Duration as Length
from fabula.kinds.base.parameters import seconds
from fabula.kinds.base.spans import AbstractSpan


@column_kind(
    example="{kind: duration, max: 4h, seconds: {kind: lognormal, median: 1500, sigma: 0.5}}",
    aka=("timedelta", "interval"),
)
class Duration(AbstractSpan):
    """A length of time between `min` and `max`: rides, calls, stays.

    Attributes:
        min: The shortest, `90s`, `5m`, `1d12h`.
        max: The longest.
    """

    kind: Literal["duration"] = "duration"
    min: Length = "0s"
    max: Length | None = None

    positional: ClassVar = ("min", "max")

    @model_validator(mode="after")
    def _ending(self) -> Duration:
        if self.max is None and self.seconds is None:
            raise ValueError("say how long: `max: 2h`, or `seconds:` with a distribution")
        return self

    def arrow_type(self) -> str:
        """Durations in whole seconds, or in microseconds where the seconds have decimals."""
        return "duration[us]" if self.decimals else "duration[s]"

    def ends(self) -> tuple[float, float | None]:
        """The shortest and the longest, in seconds."""
        return seconds(self.min), None if self.max is None else seconds(self.max)
