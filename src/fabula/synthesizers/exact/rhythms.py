"""Hours and weekdays of times, learned beside them.

A model knows a time by the interval that it lies in, often longer than a day, inside which all
times are alike. Where some hours or weekdays are busier than others, or numbers are larger in some
of them, the model learns them as columns of their own, which are not handed out, and times are
moved to the ones that were drawn.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.stats import rankdata

from fabula.io.arrays import array_of
from fabula.synthesizers.columns.codec import CodecState
from fabula.synthesizers.columns.numbers import FEWEST_CELLS
from fabula.synthesizers.exact.calendar import RHYTHMS, Part, part_of, parts_of
from fabula.synthesizers.exact.sheet import Sheet

LEARNED = ("hour", "weekday")

UNEVEN = 0.05
"""The share of rows, at least, that would have to move for every part to be as busy."""

LED = 0.03
"""The share of the spread of a number's ranks, at least, that lies between the parts."""

SURE = 6.0
"""Standard deviations of χ² that parts must differ by: such a rhythm is no chance."""


@dataclass(frozen=True)
class Rhythm:
    """A part of a time that comes again and again.

    Attributes:
        time: The column of times.
        part: The part: `hour` or `weekday`.
        name: The part's own name as a column.
    """

    time: str
    part: str
    name: str

    @property
    def formula(self) -> Part:
        """What the part follows from."""
        return Part(self.part, self.time)

    def values(self, sheet: Sheet) -> pa.Array:
        """The part of each time; null where the time is missing."""
        parts = part_of(self.part, sheet.values(self.time))
        missing = np.isnan(parts)
        return array_of(np.where(missing, 0, parts).astype(np.int64), missing=missing)

    def state(self) -> CodecState:
        """The rhythm as plain values."""
        settings = {"time": self.time, "part": self.part, "name": self.name}
        return CodecState("rhythm", settings)


def find_rhythms(sheet: Sheet, told: Collection[tuple[str, str]]) -> list[Rhythm]:
    """Rhythms of times whose cells are too wide to tell them.

    Args:
        sheet: Training rows.
        told: Columns of times, with parts of them that other columns hold.
    """
    found = []
    for time in [name for name, measure in sheet.measures.items() if measure.is_time]:
        known = parts_of(sheet.measures[time].codec.lattice.type)
        for part in LEARNED:
            if part not in known or (time, part) in told:
                continue
            if _is_uneven(sheet, time, part) or _leads(sheet, time, part):
                name = f"{part} of {time}"
                while name in sheet.names:
                    name += "'"
                found.append(Rhythm(time, part, name))
    return found


def _is_uneven(sheet: Sheet, time: str, part: str) -> bool:
    seconds, parts = RHYTHMS[part]
    numbers = sheet.numbers(time)
    numbers = numbers[~np.isnan(numbers)]
    if len(numbers) < parts or np.ptp(numbers) < FEWEST_CELLS * seconds:
        return False
    drawn = part_of(part, sheet.values(time))
    counts = np.bincount(drawn[~np.isnan(drawn)].astype(int), minlength=parts)
    expected = len(numbers) / parts
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    sure = chi_squared > parts + SURE * np.sqrt(2 * parts)
    several = np.count_nonzero(counts) > 1
    moved = np.abs(counts - expected).sum() / 2 / len(numbers)
    return bool(several and sure and moved >= UNEVEN)


def _leads(sheet: Sheet, time: str, part: str) -> bool:
    """Whether some number is larger in some parts of a time than in others."""
    seconds, count = RHYTHMS[part]
    times = sheet.numbers(time)
    drawn = part_of(part, sheet.values(time))
    known = ~np.isnan(drawn)
    if known.sum() < count or np.ptp(times[known]) < FEWEST_CELLS * seconds:
        return False
    for name, measure in sheet.measures.items():
        if measure.is_time:
            continue
        numbers = sheet.numbers(name)
        both = known & ~np.isnan(numbers)
        ranks, parts = rankdata(numbers[both]), drawn[both].astype(int)
        rows = np.bincount(parts, minlength=count)
        if (rows > 0).sum() < 2 or not np.ptp(ranks):
            continue
        means = np.bincount(parts, ranks, minlength=count) / np.maximum(rows, 1)
        share = (rows @ (means - ranks.mean()) ** 2) / ((ranks - ranks.mean()) ** 2).sum()
        # by chance, rows · share follows χ² of one degree less than there are parts
        chance = (count - 1 + SURE * np.sqrt(2 * (count - 1))) / len(ranks)
        if share > max(LED, chance):
            return True
    return False
