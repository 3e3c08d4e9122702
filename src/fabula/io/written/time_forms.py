"""Dates and times written as text: the one form of a column, read and written as arrays.

A form is a string of the signs of `strftime` between literal text: `%-m/%-d/%Y`, `%I:%M %p`.
Four additions: `%-d` has no leading zero, `%^b` is in capitals, `%_b` in small letters and
`%+b` has a first capital, `%3f` has three digits, and `%B{de}` is in a language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.io.written.form import Rows, suits
from fabula.io.written.time_candidates import candidates
from fabula.io.written.time_signs import NAMES, WIDTHS, cased

Whole = NDArray[np.int64]

_BOUNDS: Mapping[str, tuple[int, int]] = {
    "Y": (1600, 2200), "y": (0, 99), "m": (1, 12), "d": (1, 31), "H": (0, 23), "I": (1, 12),
    "M": (0, 59), "S": (0, 59), "f": (0, 10**9), "j": (1, 366), "G": (1600, 2200), "V": (1, 53),
    "q": (1, 4), "h": (1, 2), "n": (0, 99), "N": (1600, 2200),
}  # fmt: skip
_MONTHS: Mapping[str, int] = {"q": 3, "h": 6, "m": 1, "b": 1, "B": 1}
"""The months of the periods that signs count; a year has 12."""
_YEARS = (1900, 2100)
"""Digits without signs between them, and periods, are times only within these years."""
_PIECE = re.compile(r"%([-^_+]?)(\d?)([a-zA-Z](?:\{\w+\})?)|([^%]+)")
_FIRST_OF_CENTURY = 69
"""Two-digit years from here on are of the twentieth century, as POSIX has it."""

CLOCK_DIGITS = "%-H%M"
"""Times of day as whole numbers: 5 is 00:05, 1305 is 13:05."""

_EXAMPLE = np.datetime64("2019-01-25T13:05:09.123456789", "ns")


@dataclass(frozen=True)
class TimeForm:
    """One way to write dates, times or months.

    Attributes:
        format: The form, in the signs of `strftime`.
        unsure: Whether no value tells the day from the month.
    """

    format: str
    unsure: bool = False

    @classmethod
    def of(cls, texts: pa.Array, rows: Rows) -> TimeForm | None:
        """The form of texts, or None if there is none; the most frequent shape comes first."""
        forms = map(cls, candidates(texts, rows))
        read = {form: count for form in forms if (count := suits(form, texts, rows))}
        if not read:
            return None
        most = max(read.values())
        best = [form for form, count in read.items() if count == most]
        twins = {_without_order(form.format) for form in best[:2]}
        return replace(best[0], unsure=len(best) > 1 and len(twins) == 1)

    @property
    def told(self) -> str:
        """The form by an example, with what is not sure about it."""
        example = self.write(self._example()).to_pylist()[0]
        unsure = ", though day and month may be the other way round" if self.unsure else ""
        return f"times written as {example}{unsure}"

    @cached_property
    def type(self) -> pa.DataType:
        """What texts are read as: dates, times of day, points in time, or periods since 1970."""
        signs = self._signs
        if not signs & set("YyG"):
            return pa.time64("ns") if "f" in signs else pa.time32("s")
        if signs & set("HI"):
            return pa.timestamp("ns" if "f" in signs else "s")
        return pa.date32() if signs & set("djV") else pa.int64()

    @cached_property
    def _signs(self) -> frozenset[str]:
        return frozenset(sign[:1] for _, _, sign, _ in self._pieces)

    @property
    def months(self) -> int:
        """The months of a period, where the form writes no days."""
        return min((size for sign, size in _MONTHS.items() if sign in self._signs), default=12)

    @property
    def is_point(self) -> bool:
        """Whether values are dates or points in time, and no times of day or months."""
        return bool(pa.types.is_timestamp(self.type) or pa.types.is_date(self.type))

    @property
    def is_compact(self) -> bool:
        """Whether no sign is between the numbers: 20240105."""
        return re.fullmatch(r"(%[-\d][a-zA-Z]|%Y){2,}", self.format) is not None

    def read(self, texts: pa.Array) -> pa.Array:
        """Values of `type`; null where a text is not of this form."""
        if self.format == CLOCK_DIGITS:
            texts = pc.utf8_lpad(texts, 3, "0")
        parts = pc.extract_regex(texts, self._regex)
        missing = parts.is_null().to_numpy(zero_copy_only=False)
        found: dict[str, Whole] = {}
        signs = [(sign, width) for _, width, sign, _ in self._pieces if sign]
        for (sign, width), words in zip(signs, parts.flatten(), strict=True):
            numbers = _numbers(sign, words)
            low, high = (0, len(NAMES[sign]) - 1) if sign in NAMES else _BOUNDS[sign]
            if sign in "YG" and (self.is_compact or self._signs & set("jVqhnN")):
                low, high = _YEARS
            missing |= (numbers < low) | (numbers > high)
            found[sign[0]] = numbers * 10 ** (9 - int(width)) if sign == "f" else numbers
        days, valid = _days(found)
        missing |= ~valid
        if self.type == pa.int64():
            months = days.astype("datetime64[M]").astype(np.int64)
            return array_of(months // self.months, missing=missing)
        if pa.types.is_date(self.type):
            whole = days.astype(np.int64).astype(np.int32)
            return array_of(whole, pa.date32(), missing=missing)
        hours = found.get("H", found.get("I", 0) % 12 + 12 * found.get("p", 0))
        seconds = hours * 3600 + np.asarray(found.get("M", 0)) * 60 + found.get("S", 0)
        if pa.types.is_timestamp(self.type):
            seconds = seconds + days.astype(np.int64) * 86_400
        if "f" in found:
            seconds = seconds * 10**9 + found["f"]
        width = pa.int32() if self.type == pa.time32("s") else pa.int64()
        return array_of(seconds, missing=missing).cast(width).cast(self.type)

    def write(self, values: pa.Array) -> pa.Array:
        """Values of `type` as texts."""
        missing = values.is_null().to_numpy(zero_copy_only=False)
        width = pa.int32() if values.type.bit_width == 32 else pa.int64()
        whole = values.cast(width).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        whole = whole * self.months if self.type == pa.int64() else whole
        numbers = _fields(whole, self.type)
        written = []
        for flag, digits, sign, literal in self._pieces:
            if literal:
                written.append(pa.scalar(literal, pa.large_string()))
            elif sign in NAMES:
                names = pa.array([cased(name, flag) for name in NAMES[sign]], pa.large_string())
                written.append(names.take(array_of(numbers[sign[0].lower()])))
            else:
                number = numbers[sign] // 10 ** (9 - int(digits)) if sign == "f" else numbers[sign]
                text = array_of(number).cast(pa.large_string())
                wide = int(digits or WIDTHS[sign][1])
                written.append(text if flag == "-" else pc.utf8_lpad(text, wide, "0"))
        texts = pc.binary_join_element_wise(*written, pa.scalar("", pa.large_string()))
        if self.format == CLOCK_DIGITS:
            texts = pc.replace_substring_regex(texts, "^0{1,2}", "")
        return pc.if_else(array_of(~missing), texts, pa.scalar(None, pa.large_string()))

    def state(self) -> dict[str, Any]:
        return {"format": self.format, "unsure": self.unsure}

    @cached_property
    def _pieces(self) -> list[tuple[str, str, str, str]]:
        """Flag, width and sign of each field, or a literal."""
        return _PIECE.findall(self.format)

    @cached_property
    def _regex(self) -> str:
        parts = []
        for at, (flag, width, sign, literal) in enumerate(self._pieces):
            if literal:
                parts.append(re.escape(literal))
            elif sign in NAMES:
                parts.append(rf"(?P<g{at}>\pL+)")
            else:
                least, most = (1, WIDTHS[sign][1]) if flag == "-" else WIDTHS[sign]
                parts.append(rf"(?P<g{at}>\d{{{width or least},{width or most}}})")
        return f"^{''.join(parts)}$"

    def _example(self) -> pa.Array:
        moment = pa.array([_EXAMPLE.astype(np.int64)], pa.int64()).cast(pa.timestamp("ns"))
        if self.type == pa.int64():
            months = _EXAMPLE.astype("datetime64[M]").astype(np.int64)
            return array_of(np.array([months // self.months]))
        return moment.cast(self.type, safe=False)


def _numbers(sign: str, words: pa.Array) -> Whole:
    """What the texts of one sign stand for; -1 if they are nothing."""
    if sign in NAMES:
        names = pa.array([name.lower() for name in NAMES[sign]], words.type)
        found = pc.index_in(pc.utf8_lower(words), value_set=names).cast(pa.int64())
    else:
        found = words.cast(pa.int64())
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _days(found: Mapping[str, Whole]) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    """The day of each date, or the first one of a period, and whether there is such a day."""
    if "G" in found:
        return _weeks(found["G"], found["V"])
    if "Y" in found:
        year = found["Y"]
    elif "y" in found:
        year = found["y"] + np.where(found["y"] < _FIRST_OF_CENTURY, 2000, 1900)
    else:
        size = len(next(iter(found.values())))
        return np.zeros(size, "datetime64[D]"), np.ones(size, bool)
    month = next((found[sign] + 1 for sign in "bB" if sign in found), found.get("m"))
    for sign in "qh":
        month = (found[sign] - 1) * _MONTHS[sign] + 1 if sign in found else month
    months = ((year - 1970) * 12 + (0 if month is None else month - 1)).astype("datetime64[M]")
    day = found.get("d", found.get("j", np.ones_like(year)))
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    within = "datetime64[Y]" if "j" in found else "datetime64[M]"
    valid = days.astype(within) == months.astype(within)
    for sign, size in (("n", 100), ("N", 10_000)):
        valid &= found[sign] == (year + 1) % size if sign in found else True
    return days, np.asarray(valid)


def _weeks(year: Whole, week: Whole) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    """The Mondays of ISO weeks, and whether their years have them."""
    fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + np.timedelta64(3, "D")
    first = fourth - ((fourth.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    days = first + (7 * (week - 1)).astype("timedelta64[D]")
    thursday = days + np.timedelta64(3, "D")
    return days, np.asarray(thursday.astype("datetime64[Y]").astype(np.int64) + 1970 == year)


def _fields(whole: Whole, kind: pa.DataType) -> dict[str, Whole]:
    """Every number that a sign stands for, of values in their own unit."""
    if kind == pa.int64():
        days = whole.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        rest = np.zeros_like(whole)
    elif pa.types.is_date(kind):
        days, rest = whole, np.zeros_like(whole)
    else:
        scale = 1 if kind in (pa.time32("s"), pa.timestamp("s")) else 10**9
        days, rest = np.divmod(whole, 86_400 * scale)
        rest = rest * (10**9 // scale)
    moment = days.astype("datetime64[D]")
    months = moment.astype("datetime64[M]").astype(np.int64)
    seconds, fraction = np.divmod(rest, 10**9)
    hour = seconds // 3600
    year = months // 12 + 1970
    thursday = moment + (3 - (days + 3) % 7).astype("timedelta64[D]")
    of_week = thursday.astype("datetime64[Y]")
    return {
        "Y": year,
        "y": year % 100,
        "N": year + 1,
        "n": (year + 1) % 100,
        "h": months % 12 // 6 + 1,
        "q": months % 12 // 3 + 1,
        "j": days - moment.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 1,
        "G": of_week.astype(np.int64) + 1970,
        "V": (thursday - of_week.astype("datetime64[D]")).astype(np.int64) // 7 + 1,
        "m": months % 12 + 1,
        "b": months % 12,
        "d": days - moment.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1,
        "a": (days + 3) % 7,
        "H": hour,
        "I": (hour + 11) % 12 + 1,
        "p": hour // 12,
        "M": seconds // 60 % 60,
        "S": seconds % 60,
        "f": fraction,
    }


def _without_order(form: str) -> str:
    """A form with day and month as the same sign."""
    return re.sub("[dm]", "*", form)
