"""Hours, weekdays, days and months of times, learned as columns of their own.

A model knows a time by the interval that it lies in, often longer than a day, inside which all
times are alike. Where some hours or weekdays are busier than others, or other columns differ in
some of them, the model learns them as columns of their own, which are not handed out, and times are
moved to the ones that were drawn. Where many times of a column share a minute of their hour, such
as midnight, the second of the day is learned instead of the hour.

A time that is learned as its distance from another one is moved, too, where distances differ by
more than the part takes to come again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of, mean_ranks
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.calendar import CALENDAR, RHYTHMS, Part, part_of, parts_of
from fabula.synthesizers.constraints.lookups import coded
from fabula.synthesizers.constraints.measures import Floats
from fabula.synthesizers.constraints.sheet import Sheet

DAYS = ("weekday", "month", "day")
"""Parts that are learned alongside the hour."""

_COUNTED = {"weekday": (0, 7), "month": (1, 12), "day": (1, 31)}
"""The first number of a part, and how many there are."""

HEAPED = 0.1
"""The share of times, beyond chance, that share one second of their hour."""

MOST_LABELS = 20
"""Labels that are told apart where parts of times may go with them."""

UNEVEN = 0.05
"""The share of rows, at least, that would have to move for every part to be as busy."""

LED = 0.03
"""The share of the spread of a number's ranks, at least, that lies between the parts."""

SURE = 6.0
"""Standard deviations of χ² that parts must differ by: such a rhythm is not chance."""


@dataclass(frozen=True)
class Rhythm:
    """A part of a time that comes again and again.

    Attributes:
        time: The column of times.
        part: The part: a key of `RHYTHMS`.
        name: The part's own name as a column.
        moves: Whether the time is moved to it even where it follows from another one.
    """

    time: str
    part: str
    name: str
    moves: bool = True

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
        return CodecState("rhythm", asdict(self))


def find_rhythms(
    sheet: Sheet,
    labels: Collection[str],
    told: Collection[tuple[str, str]],
    distances: Mapping[str, float],
) -> list[Rhythm]:
    """Rhythms of times whose cells are too wide to tell them.

    Args:
        sheet: Training rows.
        labels: Columns of labels.
        told: Columns of times, with parts of them that other columns contain.
        distances: Of times that are learned as distances, how far apart these lie, in seconds.
    """
    found = []
    for time in [name for name, measure in sheet.measures.items() if measure.is_time]:
        measure = sheet.measures[time]
        known = parts_of(measure.codec.lattice.type)
        hour = "second of day" if _is_heaped(sheet, time) else "hour"
        strengths: dict[str, float] = {}
        for part in (hour, *DAYS):
            if part not in known or (time, part) in told or not measure.is_wide(_cell(part)):
                continue
            moves = distances.get(time, np.inf) >= RHYTHMS[part][0]
            if not moves and part in CALENDAR:
                continue
            drawn = part_of(part, sheet.values(time))
            strength = max(_unevenness(drawn, part), _share_led(sheet, drawn, labels))
            if strength:
                strengths[part] = strength
        if {"day", "weekday"} <= strengths.keys():  # a date has both only now and then
            del strengths[min("day", "weekday", key=strengths.__getitem__)]
        for part in strengths:
            name = f"{part} of {time}"
            while name in sheet.names:
                name += "'"
            moves = distances.get(time, np.inf) >= RHYTHMS[part][0]
            found.append(Rhythm(time, part, name, moves))
    return found


def _cell(part: str) -> float:
    """The seconds that a part takes, or an hour for its seconds."""
    return max(RHYTHMS[part][1], RHYTHMS["hour"][1])


def _is_heaped(sheet: Sheet, time: str) -> bool:
    """Whether more times than chance explains share one second of their hour."""
    measure = sheet.measures[time]
    if "hour" not in parts_of(measure.codec.lattice.type):
        return False
    seconds = part_of("second of day", sheet.values(time)) % 3_600
    counts = np.unique(seconds[~np.isnan(seconds)], return_counts=True)[1]
    if not len(counts):
        return False
    places = max(3_600 / max(measure.step, 1.0), 1.0)
    return bool(counts.max() / counts.sum() > HEAPED + 2 / places)


def _unevenness(drawn: Floats, part: str) -> float:
    """The share of times that would have to move for every part to be as busy; 0 where few would.

    Args:
        drawn: The part of each time.
        part: Its name.
    """
    drawn = drawn[~np.isnan(drawn)].astype(int)
    seconds = RHYTHMS["hour"][1] if part == "second of day" else 1
    first, parts = _COUNTED.get(part, (0, 24))
    counts = np.bincount(drawn // int(seconds) - first, minlength=parts)
    if len(drawn) < parts or np.count_nonzero(counts) < 2:
        return 0.0
    expected = len(drawn) / parts
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    moved = float(np.abs(counts - expected).sum() / 2 / len(drawn))
    sure = chi_squared > parts + SURE * np.sqrt(2 * parts)
    return moved if sure and moved >= UNEVEN else 0.0


def _share_led(sheet: Sheet, drawn: Floats, labels: Collection[str]) -> float:
    """How much of another column lies between parts, at most; 0 where it is little or chance."""
    known, shares = ~np.isnan(drawn), [0.0]
    for name, measure in sheet.measures.items():
        numbers = sheet.numbers(name)
        both = known & ~np.isnan(numbers)
        if both.any() and not measure.is_time:
            shares.append(_share_of_number(drawn[both], mean_ranks(numbers[both])))
    for name in labels if known.any() else ():
        shares.append(_share_of_label(drawn[known], coded(sheet.values(name))[0][known]))
    return max(shares)


def _share_of_number(drawn: Floats, ranks: Floats) -> float:
    """The share of the spread of ranks that lies between parts."""
    parts = np.unique(drawn, return_inverse=True)[1]
    rows = np.bincount(parts)
    if len(rows) < 2 or not np.ptp(ranks):
        return 0.0
    means = np.bincount(parts, ranks) / rows
    share = float((rows @ (means - ranks.mean()) ** 2) / ((ranks - ranks.mean()) ** 2).sum())
    # by chance, rows · share follows χ² of one degree less than there are parts
    return share if share > LED and _is_sure(share * len(ranks), len(rows) - 1) else 0.0


def _share_of_label(drawn: Floats, codes: NDArray[np.int64]) -> float:
    """Cramér's V² of parts and labels; rare labels count together."""
    parts = np.unique(drawn, return_inverse=True)[1]
    places = np.argsort(np.argsort(-np.bincount(codes), kind="stable"))
    kept = np.minimum(places[codes], MOST_LABELS)
    width = int(kept.max()) + 1
    table = np.bincount(parts * width + kept, minlength=width * (int(parts.max()) + 1))
    table = table.reshape(-1, width)[:, np.bincount(kept) > 0]
    rows, columns = (np.array(table.shape) - 1).tolist()
    if not rows or not columns:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(codes)
    chi_squared = float(((table - expected) ** 2 / expected).sum())
    share = chi_squared / len(codes) / min(rows, columns)
    return share if share > LED and _is_sure(chi_squared, rows * columns) else 0.0


def _is_sure(chi_squared: float, free: int) -> bool:
    """Whether so large a χ² of that many degrees of freedom is not chance."""
    return bool(chi_squared > free + SURE * np.sqrt(2 * free))
