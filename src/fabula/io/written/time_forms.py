"""Dates and times written as text: the one form of a column, read and written as arrays.

A form is a string of the signs of `strftime` between literal text: `%-m/%-d/%Y`, `%I:%M %p`.
Three additions: `%-d` has no leading zero, `%^b` is in capitals and `%_b` in small letters, and
`%3f` has three digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.io.written.form import MOST_STRAY, Rows, suits

Whole = NDArray[np.int64]

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
_NAMES: Mapping[str, tuple[str, ...]] = {
    "b": tuple(month[:3] for month in _MONTHS),
    "B": _MONTHS,
    "a": tuple(day[:3] for day in _WEEKDAYS),
    "A": _WEEKDAYS,
    "p": ("AM", "PM"),
}
"""Signs that are words, by the number that each word stands for."""

_BOUNDS: Mapping[str, tuple[int, int]] = {
    "Y": (1600, 2200), "y": (0, 99), "m": (1, 12), "d": (1, 31), "H": (0, 23), "I": (1, 12),
    "M": (0, 59), "S": (0, 59), "f": (0, 10**9),
}  # fmt: skip
_WIDTHS: Mapping[str, tuple[int, int]] = {
    "Y": (4, 4), "y": (2, 2), "m": (1, 2), "d": (1, 2), "H": (1, 2), "I": (1, 2), "M": (2, 2),
    "S": (2, 2), "f": (1, 9),
}  # fmt: skip
_NUMBERED_DATES = ("Ymd", "dmY", "mdY", "dmy", "mdy", "ymd", "Ym", "mY", "")
_NAMED_DATES = ("dY", "Yd", "dy", "Y", "y")
_TIMES = ("", "HM", "HMS", "HMSf")
_BETWEEN_DATES = frozenset({"/", "-", ".", " ", ". ", ", "})
_BEFORE: Mapping[str, frozenset[str]] = {
    "M": frozenset({":", "h"}),
    "S": frozenset({":"}),
    "f": frozenset({".", ","}),
}
"""What may stand before minutes, seconds and their fraction."""

_CONSTANT = frozenset({"T", "Z", "UTC", "GMT", "at", "h", "Uhr", "de"})
"""Words that may stand in times; others make codes, such as `RE 2019-12`."""

_YEARS = (1900, 2100)
"""Digits without signs between them are dates only within these years."""
_COMPACT: Mapping[int, str] = {
    6: "%Y%2m", 8: "%Y%2m%2d", 12: "%Y%2m%2d%2H%M", 14: "%Y%2m%2d%2H%M%S",
    17: "%Y%2m%2d%2H%M%S%3f", 20: "%Y%2m%2d%2H%M%S%6f",
}  # fmt: skip
_COMPACT_TIMES: Mapping[int, str] = {4: "%2H%M", 6: "%2H%M%S"}
_FEWEST_COMPACT = 5
"""Fewer differing numbers may be dates by chance."""

_PIECE = re.compile(r"%([-^_]?)(\d?)([a-zA-Z])|([^%]+)")
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
_ZONE = re.compile(r"(?<=:\d\d)[+-]\d\d:?\d\d$")
_FIRST_OF_CENTURY = 69
"""Two-digit years from here on are of the twentieth century, as POSIX has it."""

_EXAMPLE = np.datetime64("2019-01-25T13:05:09.123456789", "ns")
_LONGEST = 40


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
        """The form of texts, or None where there is none.

        Args:
            texts: Differing texts without nulls, the most frequent shape first.
            rows: How many rows have each of them.
        """
        first = str(texts[0])
        if len(first) > _LONGEST or not any(char.isdigit() for char in first):
            return None
        tokens = _tokens(first)
        parts = pc.extract_regex(texts, f"^{''.join(map(_class, range(len(tokens)), tokens))}$")
        if parts.null_count:
            return None
        columns = iter(parts.flatten())
        values = [next(columns) if t[0].isalnum() else None for t in tokens]
        candidates = (*_compact(tokens, values), *_candidates(tokens, values, rows))
        read = {form: count for form in candidates if (count := suits(form, texts, rows))}
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
        """What texts are read as: dates, times of day, points in time, or months since 1970."""
        signs = {sign for _, _, sign, _ in self._pieces}
        if not signs & set("Yy"):
            return pa.time64("ns") if "f" in signs else pa.time32("s")
        if signs & set("HI"):
            return pa.timestamp("ns" if "f" in signs else "s")
        return pa.date32() if "d" in signs else pa.int64()

    @property
    def is_point(self) -> bool:
        """Whether values are dates or points in time, and no times of day or months."""
        return bool(pa.types.is_timestamp(self.type) or pa.types.is_date(self.type))

    @property
    def is_compact(self) -> bool:
        """Whether no sign stands between the numbers: 20240105."""
        return self.format.startswith("%Y%2m")

    def read(self, texts: pa.Array) -> pa.Array:
        """Values of `type`; null where a text is not of this form."""
        parts = pc.extract_regex(texts, self._regex)
        missing = parts.is_null().to_numpy(zero_copy_only=False)
        found: dict[str, Whole] = {}
        signs = [(sign, width) for _, width, sign, _ in self._pieces if sign]
        for (sign, width), words in zip(signs, parts.flatten(), strict=True):
            numbers = _numbers(sign, words)
            low, high = (0, len(_NAMES[sign]) - 1) if sign in _NAMES else _BOUNDS[sign]
            if sign == "Y" and self.is_compact:
                low, high = _YEARS
            missing |= (numbers < low) | (numbers > high)
            found[sign] = numbers * 10 ** (9 - int(width)) if sign == "f" else numbers
        days, valid = _days(found)
        missing |= ~valid
        if self.type == pa.int64():
            return array_of(days.astype("datetime64[M]").astype(np.int64), missing=missing)
        if pa.types.is_date(self.type):
            whole = days.astype(np.int64).astype(np.int32)
            return array_of(whole, pa.date32(), missing=missing)
        hours = found.get("H", found.get("I", 0) % 12 + 12 * found.get("p", 0))
        seconds = hours * 3600 + found["M"] * 60 + found.get("S", 0)
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
        numbers = _fields(whole, self.type)
        written = []
        for flag, digits, sign, literal in self._pieces:
            if literal:
                written.append(pa.scalar(literal, pa.large_string()))
            elif sign in _NAMES:
                names = pa.array([_cased(name, flag) for name in _NAMES[sign]], pa.large_string())
                written.append(names.take(array_of(numbers[sign.lower()])))
            else:
                number = numbers[sign] // 10 ** (9 - int(digits)) if sign == "f" else numbers[sign]
                text = array_of(number).cast(pa.large_string())
                wide = int(digits or _WIDTHS[sign][1])
                written.append(text if flag == "-" else pc.utf8_lpad(text, wide, "0"))
        texts = pc.binary_join_element_wise(*written, pa.scalar("", pa.large_string()))
        return pc.if_else(array_of(~missing), texts, pa.scalar(None, pa.large_string()))

    def state(self) -> dict[str, Any]:
        """The form as plain values."""
        return {"format": self.format, "unsure": self.unsure}

    @cached_property
    def _pieces(self) -> list[tuple[str, str, str, str]]:
        """Flag, width and sign of each field, or a literal."""
        return _PIECE.findall(self.format)

    @cached_property
    def _regex(self) -> str:
        parts = []
        for at, (_, width, sign, literal) in enumerate(self._pieces):
            if literal:
                parts.append(re.escape(literal))
            elif sign in _NAMES:
                parts.append(rf"(?P<g{at}>\pL+)")
            else:
                least, most = _WIDTHS[sign]
                parts.append(rf"(?P<g{at}>\d{{{width or least},{width or most}}})")
        return f"^{''.join(parts)}$"

    def _example(self) -> pa.Array:
        moment = pa.array([_EXAMPLE.astype(np.int64)], pa.int64()).cast(pa.timestamp("ns"))
        if self.type == pa.int64():
            return array_of(np.array([_EXAMPLE.astype("datetime64[M]").astype(np.int64)]))
        return moment.cast(self.type, safe=False)


def _tokens(text: str) -> list[str]:
    """Runs of digits, of letters and of other signs; a distance from UTC is one of the last."""
    zone = _ZONE.search(text)
    start = zone.start() if zone else len(text)
    return _TOKEN.findall(text[:start]) + ([text[start:]] if zone else [])


def _class(number: int, token: str) -> str:
    """A token as a regular expression, a group where it may differ."""
    if token[0].isdigit():
        return rf"(?P<g{number}>\d+)"
    return rf"(?P<g{number}>\pL+)" if token[0].isalpha() else re.escape(token)


def _compact(tokens: list[str], values: list[pa.Array | None]) -> Iterator[TimeForm]:
    """Forms of digits without signs between them: 20240105, 202401, 20240105T101500."""
    fields = []
    for token, texts in zip(tokens, values, strict=True):
        if token in ("T", "Z"):
            fields.append(token)
        elif texts is not None and token.isdigit():
            widths = pc.unique(pc.utf8_length(texts)).to_pylist()
            known = _COMPACT_TIMES if fields else _COMPACT
            if len(widths) > 1 or widths[0] not in known or len(texts) < _FEWEST_COMPACT:
                return
            fields.append(known[widths[0]])
        else:
            return
    if tokens[0].isdigit() and len(tokens[0]) >= min(_COMPACT):
        yield TimeForm("".join(fields))


def _candidates(tokens: list[str], values: list[pa.Array | None], rows: Rows) -> Iterator[TimeForm]:
    """Forms that suit the tokens, the usual order of day and month first."""
    words = {at: _word(values[at], rows) for at, token in enumerate(tokens) if token[0].isalpha()}
    if None in words.values():
        return
    numbers = [at for at, token in enumerate(tokens) if token[0].isdigit()]
    signs = [sign for sign in words.values() if sign and sign.startswith("%")]
    named, halves = any(sign[-1] in "bB" for sign in signs), any(s[-1] == "p" for s in signs)
    for date in _NAMED_DATES if named else _preferred(tokens):
        for time in _TIMES:
            roles = date + (time.replace("H", "I") if halves else time)
            if len(roles) != len(numbers) or (halves and not time):
                continue
            if date == "y" and "-" not in tokens:  # a day without a year
                continue
            placed = dict(zip(numbers, roles, strict=True))
            if not _well_separated(tokens, placed):
                continue
            fields = {at: _field(role, values[at]) for at, role in placed.items()}
            if None in fields.values() or _is_version(tokens, fields.values()):
                continue
            pieces = [fields.get(at) or words.get(at) or token for at, token in enumerate(tokens)]
            if not any("%" in token for token in tokens):
                yield TimeForm("".join(str(piece) for piece in pieces))


def _preferred(tokens: list[str]) -> tuple[str, ...]:
    """Orders of dates; between slashes, the month comes first where no value tells."""
    if "/" in tokens:
        return tuple(sorted(_NUMBERED_DATES, key=lambda order: not order.startswith("md")))
    return _NUMBERED_DATES


def _well_separated(tokens: list[str], placed: Mapping[int, str]) -> bool:
    """Whether colons stand in times, and one and the same sign between the numbers of a date."""
    between = set()
    for at, role in placed.items():
        before = tokens[at - 1] if at else ""
        if role in _BEFORE:
            if before not in _BEFORE[role]:
                return False
        elif role in "Yymd" and placed.get(at - 2, "") in (*"Yymd",):
            between.add(before)
    return len(between) <= 1 and between <= _BETWEEN_DATES


def _is_version(tokens: list[str], fields: Collection[str | None]) -> bool:
    """Whether it may as well be a number of chapters, such as 1.2.10: no date has so few digits."""
    return "%y" in fields and "." in tokens and bool({"%-d", "%-m"} & set(fields))


def _field(role: str, texts: pa.Array | None) -> str | None:
    """The sign of a number, or None where the texts can't be that."""
    assert texts is not None
    widths = pc.unique(pc.utf8_length(texts)).to_pylist()
    least, most = _WIDTHS[role]
    if min(widths) < least or max(widths) > most:
        return None
    if role == "f":
        return f"%{widths[0]}f" if len(widths) == 1 else None
    return f"%-{role}" if min(widths) < most else f"%{role}"


def _word(texts: pa.Array | None, rows: Rows) -> str | None:
    """The sign of a word, the word itself where it may stand in all times, or None."""
    assert texts is not None
    found = pc.unique(texts).to_pylist()
    if len(found) == 1 and found[0] in _CONSTANT:
        return str(found[0])
    for sign, names in _NAMES.items():
        for flag in ("", "^", "_"):
            cased = pa.array([_cased(name, flag) for name in names], texts.type)
            known = pc.is_in(texts, value_set=cased).to_numpy(zero_copy_only=False)
            if rows[known].sum() >= (1 - MOST_STRAY) * rows.sum():
                return f"%{flag}{sign}"
    return None


def _cased(name: str, flag: str) -> str:
    return {"^": name.upper(), "_": name.lower()}.get(flag, name)


def _numbers(sign: str, words: pa.Array) -> Whole:
    """What the texts of one sign stand for; -1 where they are nothing."""
    if sign in _NAMES:
        names = pa.array([name.lower() for name in _NAMES[sign]], words.type)
        found = pc.index_in(pc.utf8_lower(words), value_set=names).cast(pa.int64())
    else:
        found = words.cast(pa.int64())
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _days(found: Mapping[str, Whole]) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    """The day of each date, and whether its month has such a day."""
    if "Y" in found:
        year = found["Y"]
    elif "y" in found:
        year = found["y"] + np.where(found["y"] < _FIRST_OF_CENTURY, 2000, 1900)
    else:
        size = len(next(iter(found.values())))
        return np.zeros(size, "datetime64[D]"), np.ones(size, bool)
    month = next((found[sign] + 1 for sign in "bB" if sign in found), found.get("m"))
    assert month is not None
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    day = found.get("d", np.ones_like(year))
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    return days, np.asarray(days.astype("datetime64[M]") == months)


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
    return {
        "Y": year,
        "y": year % 100,
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
