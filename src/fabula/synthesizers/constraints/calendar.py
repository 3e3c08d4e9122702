"""Parts of times, such as hours and weekdays, and times moved to have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.synthesizers.constraints.measures import Floats, Measure
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.wording import told_sum

_DAY = 86_400.0


def _date(times: pa.Array) -> pa.Array:
    """The day of each time, if it has a time zone there."""
    local = pc.local_timestamp(times) if getattr(times.type, "tz", None) else times
    return local.cast(pa.date32(), safe=False)


PARTS: Mapping[str, Callable[[pa.Array], pa.Array]] = {
    "date": _date,
    "month and year": lambda x: pc.add(pc.multiply(pc.subtract(pc.year(x), 1970), 12), pc.month(x)),
    "quarter and year": lambda x: pc.add(
        pc.multiply(pc.subtract(pc.year(x), 1970), 4), pc.quarter(x)
    ),
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "week": pc.iso_week,
    "day": pc.day,
    "weekday": pc.day_of_week,
    "day of year": pc.day_of_year,
    "hour": pc.hour,
    "minute": pc.minute,
    "second of day": lambda x: pc.add(
        pc.add(pc.multiply(pc.hour(x), 3_600), pc.multiply(pc.minute(x), 60)), pc.second(x)
    ),
}
"""Parts of times by name; weekdays count from 0, Monday."""

RHYTHMS = {
    "minute": (3_600.0, 60.0),
    "hour": (_DAY, 3_600.0),
    "second of day": (_DAY, 1.0),
    "month": (365 * _DAY, 30 * _DAY),
    "day": (30 * _DAY, _DAY),
    "weekday": (7 * _DAY, _DAY),
}
"""Parts that come again and again: the seconds after which, about, and those that one takes.

Times are moved to their parts in this order: the nearest hour may be on another day, while days
leave the hour as it is.
"""

CALENDAR = ("month", "day")
"""Parts that come again after differing numbers of days."""

TIMELY = ("date", "hour", "minute", "second of day")
"""Parts that dates don't have."""


@dataclass(frozen=True)
class Part:
    """A part of a time, such as its hour, plus a constant.

    Attributes:
        part: The part's name, a key of `PARTS`.
        source: The column of times.
        constant: What is added, such as 1 where weekdays count from 1.
    """

    part: str
    source: str
    constant: float = 0.0

    @property
    def constants(self) -> tuple[float, ...]:
        """Its own number."""
        return (self.constant,)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column of times."""
        return (self.source,)

    def numbers(self, sheet: Sheet) -> Floats:
        """The parts."""
        return part_of(self.part, sheet.values(self.source)) + self.constant

    def size(self, sheet: Sheet) -> Floats:
        """Zeros: parts are whole numbers."""
        return np.zeros(len(sheet))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """The nearest times that have this part, where it comes again and again."""
        part = target - self.constant
        return turned(self.part, sheet.numbers(source), sheet.values(source), part)

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`weekday of pickup`."""
        del measures
        part = f"{self.part} of {self.source}"
        shown = 0.0 if target.is_time or self.part.endswith("and year") else self.constant
        return told_sum([(part, 1.0), ("", shown)] if shown else [(part, 1.0)])


def part_of(part: str, times: pa.Array) -> Floats:
    """A part of each time; dates are seconds since 1970."""
    found = PARTS[part](times)
    if part == "date":
        found = found.cast(pa.int32())
    numbers = found.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(numbers * (_DAY if part == "date" else 1.0))


def turned(
    part: str, numbers: Floats, times: pa.Array, wanted: Floats, *, in_month: bool = False
) -> Floats:
    """Times moved to the nearest ones that have a part of a rhythm; other parts move nothing.

    Args:
        part: The part's name.
        numbers: The times in seconds.
        times: The same times.
        wanted: The part that each is to have; if it is missing, a time stays.
        in_month: Whether the n-th day of a month is that of the time's own month.
    """
    if part not in RHYTHMS:
        return numbers
    if part in CALENDAR:
        return numbers + _DAY * _days(part, times, wanted, in_month)
    period, seconds = RHYTHMS[part]
    times_round = round(period / seconds)
    half = times_round // 2
    steps = (wanted - part_of(part, times) + half) % times_round - half
    return numbers + seconds * np.nan_to_num(steps)


def _days(part: str, times: pa.Array, wanted: Floats, in_month: bool) -> Floats:
    """Days to the nearest date that is in a month, or is the n-th day of one."""
    known = ~(np.isnan(wanted) | np.isnan(part_of(part, times)))
    days = _date(times).cast(pa.int32()).fill_null(0)
    date = np.asarray(days, np.int64).astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    day = (date - month).astype(np.int64)
    asked = np.where(known, wanted, 1).astype(np.int64)
    if part == "month":
        month = month + ((asked - 1 - month.astype(np.int64) + 6) % 12 - 6)
    else:
        apart = asked - 1 - day
        if not in_month:
            month = month + np.where(apart > 15, -1, np.where(apart < -15, 1, 0))
        day = asked - 1
    length = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)
    moved = month.astype("datetime64[D]") + np.clip(day, 0, length - 1)
    return np.where(known, (moved - date).astype(np.int64), 0).astype(float)


def parts_of(kind: pa.DataType) -> list[str]:
    """The parts that times of a type have."""
    if pa.types.is_timestamp(kind):
        return list(PARTS)
    return [part for part in PARTS if part not in TIMELY] if pa.types.is_date(kind) else []
