"""Whole units between two times: days to a shipment, hours of a stay, years of age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import pyarrow as pa

from fabula.synthesizers.constraints.calendar import part_of
from fabula.synthesizers.constraints.measures import Flags, Floats, Measure
from fabula.synthesizers.constraints.orders import FEW_BROKEN, above
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.wording import told_sum

_DAY = 86_400.0

CALENDAR = {"calendar days": "date", "calendar months": "month and year", "calendar years": "year"}
"""Units that count how often a part of the time changes, and that part."""

WHOLE = {
    "full weeks": 7 * _DAY,
    "full days": _DAY,
    "full hours": 3_600.0,
    "full minutes": 60.0,
    "full seconds": 1.0,
}
"""Units of one length, in seconds; what is left of one does not count."""

FULL = ("full years", "full months")
"""Units that are complete on the same day of a later month or year, such as an age."""

_ABOUT = {"month": 30.436875 * _DAY, "year": 365.2425 * _DAY, "day": _DAY}

AFTER = 0.25
"""The share of rows, at least, in which the later of two times is the later one."""

FIRST_ROWS = 50
"""Rows that nearly all pairs fail on."""


@dataclass(frozen=True)
class Elapsed:
    """The units between two times, plus a constant.

    Attributes:
        unit: The unit: of `CALENDAR`, `WHOLE` or `FULL`.
        later: The column of later times; empty if it is the same day for all rows.
        earlier: The column of earlier times.
        constant: What is added, such as 1 where both ends count.
        on: The day for all rows, in days since 1970; the units then are full ones.
    """

    unit: str
    later: str
    earlier: str
    constant: float = 0.0
    on: int = 0

    @property
    def constants(self) -> tuple[float, ...]:
        """Its own number."""
        return (self.constant,)

    @property
    def sources(self) -> tuple[str, ...]:
        """The two times, or the earlier one."""
        return (self.later, self.earlier) if self.later else (self.earlier,)

    @property
    def day(self) -> dt.date:
        """The day for all rows."""
        return dt.date(1970, 1, 1) + dt.timedelta(self.on)

    def numbers(self, sheet: Sheet) -> Floats:
        """The units, rounded down; NaN if a time is missing."""
        if self.unit in WHOLE:
            seconds = above(sheet, self.later) - above(sheet, self.earlier)
            found = np.floor(np.round(seconds / WHOLE[self.unit], 9))
        elif self.unit in CALENDAR:
            later, earlier = self._parts(sheet, CALENDAR[self.unit])
            found = (later - earlier) / (_DAY if self.unit == "calendar days" else 1.0)
        else:
            later, earlier = self._parts(sheet, "month and year")
            months = later - earlier
            later, earlier = self._parts(sheet, "day")
            with np.errstate(invalid="ignore"):
                months = months - (later < earlier)
            found = months if self.unit == "full months" else np.floor(months / 12)
        return np.asarray(found + self.constant)

    def is_rounded(self, sheet: Sheet) -> bool:
        """Whether parts of a unit are left over in some rows."""
        seconds = above(sheet, self.later) - above(sheet, self.earlier)
        units = seconds / self._length
        with np.errstate(invalid="ignore"):
            return bool((np.abs(units - np.rint(units)) > 1e-9).any())

    @property
    def _length(self) -> float:
        """The seconds of one unit, about."""
        return WHOLE.get(self.unit) or _ABOUT[self.unit.split()[1].removesuffix("s")]

    def _parts(self, sheet: Sheet, part: str) -> tuple[Floats, Floats]:
        day = pa.array([self.day])
        later = part_of(part, sheet.values(self.later) if self.later else day)
        return later, part_of(part, sheet.values(self.earlier))

    def size(self, sheet: Sheet) -> Floats:
        """Zeros: these are whole numbers."""
        return np.zeros(len(sheet))

    def solved(self, source: str, target: Floats, sheet: Sheet) -> Floats:
        """The time moved by the units that are missing; months and years are of mean length."""
        moved = (target - self.numbers(sheet)) * self._length
        return sheet.numbers(source) + (moved if source == self.later else -moved)

    def told(self, target: Measure, measures: Mapping[str, Measure]) -> str:
        """`full days from ordered to shipped`."""
        del target, measures
        told = f"{self.unit} from {self.earlier} to {self.later or self.day}"
        return told_sum([(told, 1.0), ("", self.constant)] if self.constant else [(told, 1.0)])


def find_elapsed(
    few: Sheet, times: Sequence[str], numbers: Sequence[str]
) -> Iterator[tuple[str, Elapsed]]:
    """Whole numbers that count the units between two times in nearly all of some rows.

    Args:
        few: The rows.
        times: Columns of points in time.
        numbers: Columns of whole numbers.
    """
    first = Sheet(few.table.slice(0, FIRST_ROWS), few.measures)
    for later, earlier in permutations(times, 2):
        with np.errstate(invalid="ignore"):
            if (above(few, later) > above(few, earlier)).mean() < AFTER:
                continue
        for unit in (*CALENDAR, *WHOLE, *FULL):
            formula = Elapsed(unit, later, earlier)
            some, every = formula.numbers(first), None
            for name in numbers:
                if _constant(first.numbers(name), some, most=1 / FIRST_ROWS) is None:
                    continue
                every = formula.numbers(few) if every is None else every
                constant = _constant(few.numbers(name), every, most=FEW_BROKEN)
                if constant is not None:
                    yield name, Elapsed(unit, later, earlier, constant)


def find_ages(
    few: Sheet, sheet: Sheet, times: Sequence[str], numbers: Sequence[str]
) -> Iterator[tuple[str, Elapsed]]:
    """Whole numbers that count the full years from a time to one day in nearly all of some rows.

    Args:
        few: The rows.
        sheet: All rows, which tell the day.
        times: Columns of points in time.
        numbers: Columns of whole numbers.
    """
    for earlier, name in product(times, numbers):
        about = above(few, earlier) + few.numbers(name) * _ABOUT["year"]
        about = about[np.isfinite(about)][:FIRST_ROWS]
        if not len(about) or np.ptp(about) > _ABOUT["year"] + 2 * _DAY:
            continue
        births, years = part_of("date", sheet.values(earlier)) / _DAY, sheet.numbers(name)
        known: Flags = np.isfinite(births + years)
        formula = Elapsed("full years", "", earlier, on=_common_day(births[known], years[known]))
        if _constant(few.numbers(name), formula.numbers(few), most=FEW_BROKEN) == 0:
            yield name, formula


def _common_day(births: Floats, years: Floats) -> int:
    """The first of the days on which most are so many full years old."""
    born = births.astype(np.int64).astype("datetime64[D]")
    month = born.astype("datetime64[M]")
    day = (born - month).astype(np.int64)
    ends = []
    for more in (0, 1):
        then = month + (years.astype(np.int64) + more) * 12
        length = (then + 1).astype("datetime64[D]") - then.astype("datetime64[D]")
        late = np.minimum(day, length.astype(np.int64))  # 29 February comes on 1 March
        ends.append((then.astype("datetime64[D]") + late).astype(np.int64))
    starts, stops = np.sort(ends[0]), np.sort(ends[1])
    old = np.arange(1, len(starts) + 1) - np.searchsorted(stops, starts, "right")
    return int(starts[np.argmax(old)])


def _constant(numbers: Floats, computed: Floats, *, most: float) -> float | None:
    """What nearly all numbers are above the computed ones, if they all are above by the same."""
    apart = numbers - computed
    known: Flags = ~np.isnan(apart)
    if not known.any():
        return None
    constant = float(np.median(apart[known]))
    same = (apart[known] == constant).mean()
    return constant if constant == round(constant) and 1 - same <= most else None
