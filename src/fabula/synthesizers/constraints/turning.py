"""Times moved to the hours, weekdays and other parts that were drawn for them.

A model knows times by intervals that are often longer than a day, and an end by its distance from a
start, so hours that followed from them would have lost their ups and downs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import array_of
from fabula.synthesizers.constraints.calendar import CALENDAR, RHYTHMS, Part, turned
from fabula.synthesizers.constraints.lookups import Lookup
from fabula.synthesizers.constraints.measures import Flags, Floats
from fabula.synthesizers.constraints.sheet import Sheet


class Following(Protocol):
    """A column that follows from others."""

    @property
    def target(self) -> str:
        """The column."""
        ...

    @property
    def how(self) -> object:
        """How it follows."""
        ...


def turn(
    sheet: Sheet,
    time: str,
    items: Iterable[Following],
    rows: Flags,
    between: tuple[Floats, Floats] | None = None,
    *,
    anywhere: bool = False,
) -> Flags:
    """Move a time to its drawn parts; tells where that can be.

    Args:
        sheet: The rows.
        time: The column of times.
        items: Relations, some of which tell parts of times.
        rows: Where the time may be moved.
        between: What it is never below, in seconds since 1970, and what it is only above where the
            part that was drawn has no other time.
        anywhere: Whether it may leave the learned range.
    """
    possible = np.ones(len(sheet), bool)
    told = {
        item.how.part: item
        for item in items
        if isinstance(item.how, Part | Lookup) and item.how.source == time
    }
    measure = sheet.measures[time]
    for part, (period, seconds) in RHYTHMS.items():
        if part not in told or (part in CALENDAR and not measure.is_wide(seconds)):
            continue
        how, target = told[part].how, told[part].target
        assert isinstance(how, Part | Lookup)
        drawn = sheet.values(target)
        wanted = (
            how.parts(drawn) if isinstance(how, Lookup) else sheet.numbers(target) - how.constant
        )
        times, numbers = sheet.values(time), sheet.numbers(time)
        moved_to = turned(part, numbers, times, wanted, in_month="month" in told)
        if between is not None:
            low, high = (bound - measure.start for bound in between)
            with np.errstate(invalid="ignore"):
                later = numbers if part in CALENDAR else moved_to + period
                moved_to = np.where(moved_to < low, later, moved_to)
                earlier = numbers if part in CALENDAR else moved_to - period
                moved_to = np.where((moved_to > high) & (earlier >= low), earlier, moved_to)
        inside = measure.inside(moved_to) | anywhere
        moved = pc.if_else(
            array_of(rows & inside), measure.values(moved_to).cast(times.type), times
        )
        sheet.replace(time, moved if isinstance(moved, pa.Array) else moved.combine_chunks())
        possible &= inside | ~rows
    return possible
