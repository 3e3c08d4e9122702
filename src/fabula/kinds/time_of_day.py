"""Times of day."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from fabula.kinds import column_kind
from fabula.kinds.base.spans import AbstractSpan

_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")


def _seconds(clock: str) -> int:
    found = _CLOCK.fullmatch(clock)
    total = (
        -1
        if found is None
        else sum(
            int(part or 0) * size for part, size in zip(found.groups(), (3600, 60, 1), strict=True)
        )
    )
    if not 0 <= total <= 86_400:
        raise ValueError(f"`{clock}` is not a time of day: write `7:30` or `19:45:10`")
    return total


def _clock(value: Any) -> Any:
    """Accept `7:30`, `19:45:10` and Python's times."""
    if isinstance(value, dt.time):
        value = value.isoformat("seconds")
    if isinstance(value, str):
        _seconds(value)
    return value


Clock = Annotated[str, BeforeValidator(_clock)]


@column_kind(
    example='{kind: time_of_day, start: "6:00", end: "22:00"}', aka=("clock", "hour", "time")
)
class TimeOfDay(AbstractSpan):
    """A time of day from `start` until before `end`, without a date.

    Attributes:
        start: The first time, `7:30` or `19:45:10`.
        end: The end, not included; the day ends at `24:00`.
        seconds: The distribution of the seconds since midnight; without one, each time is equally
            likely.
    """

    kind: Literal["time_of_day"] = "time_of_day"
    start: Clock = "0:00"
    end: Clock = "24:00"

    positional: ClassVar = ("start", "end")

    def arrow_type(self) -> str:
        """Times in whole seconds, or in microseconds where the seconds have decimals."""
        return "time64[us]" if self.decimals else "time32[s]"

    def ends(self) -> tuple[float, float | None]:
        """The first and the last time, in seconds since midnight."""
        return _seconds(self.start), _seconds(self.end) - 10**-self.decimals
