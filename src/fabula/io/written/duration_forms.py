"""Durations written as text: `46:05:09`, `3:20.481`, `PT1H30M`, `1h 30m`, `2 days, 4:10:00`.

The first number of a duration has no upper bound, the others have: `46:62` is none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pyarrow as pa

from fabula.io.written.form import MOST_STRAY, Rows, suits

_SECONDS: Mapping[str, int] = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_UNITS: Mapping[str, str] = {
    "w": "w", "week": "w", "weeks": "w", "d": "d", "day": "d", "days": "d", "h": "h", "hr": "h",
    "hrs": "h", "hour": "h", "hours": "h", "m": "m", "min": "m", "mins": "m", "minute": "m",
    "minutes": "m", "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "'": "m", "′": "m", '"': "s", "''": "s", "″": "s", "std": "h", "sek": "s", "tag": "d",
    "tage": "d", "stunde": "h", "stunden": "h", "minuten": "m", "sekunden": "s", "jour": "d",
    "jours": "d", "j": "d", "heure": "h", "heures": "h", "secondes": "s", "hora": "h",
    "horas": "h", "minuto": "m", "minutos": "m", "segundo": "s", "segundos": "s",
}  # fmt: skip
"""Words for units, in small letters."""

_DAYS = re.compile(r"(?P<d>\d+)(?P<sign> days?,? |d )(?P<h>\d+):(?P<m>\d\d)")
_CLOCK = re.compile(
    r"(?:(?P<d>\d+)(?P<sign>(?: days?,? |d ))(?=\d+:\d\d:))?"
    r"(?:(?P<h>\d+):(?=\d\d:))?(?P<m>\d+):(?P<s>\d\d)(?P<point>[.,]?)(?P<tail>(?<=[.,])\d{1,6})?"
)
_ISO = re.compile(
    r"P(?=T?\d)(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)(?:(?P<point>\.)(?P<tail>\d{1,6}))?S)?)?"
)
_PART = re.compile(r"(\d+)( ?)([A-Za-z]+|''|['\"′″])(, | and |,? ?)")
_LONGEST = 40
_MOST_DIGITS = 10
_SEEN = 20_000
"""Differing texts that a form is made from."""

_EXAMPLES = {"w": 694_800, "d": 97_509, "h": 3_909, "m": 309, "s": 9}
"""Seconds that show a form, by its longest unit."""


@dataclass(frozen=True)
class _Parts:
    """A text taken apart: a number for each unit, its words, and the digits of the fraction."""

    style: str
    numbers: Mapping[str, int]
    tail: str
    point: str
    words: Mapping[str, str]
    between: str
    wide: int


@dataclass(frozen=True)
class DurationForm:
    """One way to write durations.

    Attributes:
        style: `clock`, `iso` or `words`.
        units: The units, the longest first, a letter each, such as `hms`.
        words: What follows the number of each unit, or a clock's days: one of it and several.
        between: What is between two parts.
        wide: Digits of a clock's first number, or of all but the first between words, at least.
        decimals: Decimals of the seconds, or the most of them.
        fixed: Whether all durations have as many.
        point: The decimal sign.
        zeros: Whether parts that are zero are written, too.
    """

    style: str
    units: str
    words: Mapping[str, tuple[str, str]]
    between: str = ""
    wide: int = 1
    decimals: int = 0
    fixed: bool = True
    point: str = "."
    zeros: bool = True

    @classmethod
    def of(cls, texts: pa.Array, rows: Rows) -> DurationForm | None:
        """The form of texts, or None if there is none."""
        first = _parts(str(texts[0]))
        if first is None:
            return None
        found = [parts for text in texts[:_SEEN].to_pylist() if (parts := _parts(text))]
        mine = [parts for parts in found if parts.style == first.style]
        if first.style == "words" and len(_usual(mine)) < 2:  # 90 min is a number with its unit
            return None
        return next((form for form in _candidates(mine) if suits(form, texts, rows)), None)

    @property
    def told(self) -> str:
        return f"durations written as {self._text(_EXAMPLES[self.units[0]] * self._scale)}"

    @cached_property
    def type(self) -> pa.DataType:
        return pa.duration({1: "s", 10**3: "ms", 10**6: "us"}[self._scale])

    def read(self, texts: pa.Array) -> pa.Array:
        """Durations; null where a text is not of this form."""
        return _mapped(texts, self._ticks, pa.int64()).cast(self.type)

    def write(self, values: pa.Array) -> pa.Array:
        """Durations as texts."""
        return _mapped(values.cast(pa.int64()), self._text, pa.large_string())

    def state(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def _scale(self) -> int:
        return 10**6 if self.decimals > 3 else 10**3 if self.decimals else 1

    def _ticks(self, text: str) -> int | None:
        """A text as a number of the type's unit; None if it is of another form."""
        parts = _parts(text)
        if parts is None or parts.style != self.style or len(parts.tail) > self.decimals:
            return None
        if not set(parts.numbers) <= set(self.units):
            return None
        units = list(parts.numbers)
        for longer, unit in pairwise(units):
            if parts.numbers[unit] >= _SECONDS[longer] // _SECONDS[unit]:
                return None
        seconds = sum(number * _SECONDS[unit] for unit, number in parts.numbers.items())
        fraction = int(parts.tail.ljust(len(str(self._scale)) - 1, "0") or 0)
        return seconds * self._scale + fraction

    def _text(self, ticks: int) -> str:
        """A number of the type's unit as text; there is no duration below zero."""
        rest, fraction = divmod(max(ticks, 0), self._scale)
        numbers: dict[str, int] = {}
        for unit in self.units:
            numbers[unit], rest = divmod(rest, _SECONDS[unit])
        tail = str(fraction).rjust(len(str(self._scale)) - 1, "0")[: self.decimals]
        tail = tail if self.fixed else tail.rstrip("0")
        after = self.point + tail if self.decimals and tail else ""
        if self.style == "clock":
            return self._clock(numbers) + after
        last = self.units[-1]
        shown = [u for u in self.units if self.zeros or numbers[u] or (u == last and after)]
        words = {u: self.words[u][numbers[u] != 1] for u in self.units}
        wide = {u: self.wide if self.style == "words" and u != shown[0] else 1 for u in shown}
        texts = {
            u: f"{numbers[u]:0{wide.get(u, 1)}}{after if u == last else ''}{words[u]}"
            for u in shown or [last]
        }
        if self.style == "words":
            return self.between.join(texts.values())
        clock = "".join(text for unit, text in texts.items() if unit in "hms")
        days = "".join(text for unit, text in texts.items() if unit in "wd")
        return f"P{days}{'T' * bool(clock)}{clock}"

    def _clock(self, numbers: Mapping[str, int]) -> str:
        days, hours = numbers.get("d", 0), numbers.get("h", 0)
        texts = [f"{numbers[unit]:02}" for unit in self.units[-2:]]
        if "h" in numbers and "s" in numbers and (hours or days or self.zeros):
            texts.insert(0, f"{hours:02}")
        texts[0] = texts[0].lstrip("0").rjust(self.wide, "0")
        if "d" in numbers and (days or self.zeros):
            return f"{days}{self.words['d'][days != 1]}{':'.join(texts)}"
        return ":".join(texts)


def _parts(text: str) -> _Parts | None:
    """A text taken apart, or None if it is not a duration."""
    if len(text) > _LONGEST or not text[:1].isalnum():
        return None
    if found := _CLOCK.fullmatch(text) or _DAYS.fullmatch(text) or _ISO.fullmatch(text):
        style = "iso" if text[0] == "P" else "clock"
        named = {"point": "", "tail": "", **found.groupdict()}
        written = {unit: named[unit] for unit in _SECONDS if named.get(unit) is not None}
        words = {unit: unit.upper() for unit in written} if style == "iso" else {}
        if style == "clock" and named["sign"]:
            words["d"] = named["sign"]
        first = written.get("h", written.get("m", ""))
        point, tail = named["point"] or "", named["tail"] or ""
        numbers = _whole(written)
        return _Parts(style, numbers, tail, point, words, "", len(first)) if numbers else None
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    units = [_UNITS.get(part[3].lower()) for part in parts]
    order = [list(_SECONDS).index(unit) for unit in units if unit]
    if len(order) < len(parts) or order != sorted(set(order)):
        return None
    between = parts[0][4] if len(parts) > 1 else ""
    named = {str(unit): part[1] for unit, part in zip(units, parts, strict=True)}
    words = {str(unit): part[2] + part[3] for unit, part in zip(units, parts, strict=True)}
    numbers = _whole(named)
    wide = min((len(part[1]) for part in parts[1:]), default=2)
    if "'" in text and wide < 2:  # feet and inches
        return None
    return _Parts("words", numbers, "", "", words, between, wide) if numbers else None


def _whole(digits: Mapping[str, str]) -> dict[str, int]:
    """The number of each unit; none if there are more digits than a number has."""
    if any(len(number) > _MOST_DIGITS for number in digits.values()):
        return {}
    return {unit: int(number) for unit, number in digits.items()}


def _candidates(parts: list[_Parts]) -> Iterator[DurationForm]:
    """Forms of texts of one style: zeros as in the texts, then the other way round."""
    style = parts[0].style
    kept = [each for each in parts if set(each.numbers) <= set(_usual(parts))]
    units = "".join(unit for unit in _SECONDS if any(unit in each.numbers for each in kept))
    (width, rows), *others = Counter(len(each.tail) for each in kept).most_common()
    fixed = rows >= (1 - MOST_STRAY) * len(kept)
    words: dict[str, tuple[str, str]] = {}
    for unit in units if style != "clock" else "d" * ("d" in units):
        said = [(each.numbers[unit], each.words[unit]) for each in kept if unit in each.numbers]
        many = next((word for number, word in said if number != 1), said[0][1])
        words[unit] = (next((word for number, word in said if number == 1), many), many)
    points = [each.point for each in kept if each.point]
    for zeros in (True, False):
        yield DurationForm(
            style=style,
            units=units,
            words=words,
            between=next((each.between for each in kept if each.between), ""),
            wide=min(each.wide for each in kept),
            decimals=width if fixed else max(width, *(other for other, _ in others)),
            fixed=fixed,
            point=points[0] if points else ".",
            zeros=zeros,
        )


def _usual(parts: list[_Parts]) -> set[str]:
    """The units that more than a few texts have."""
    counts = {unit: sum(unit in each.numbers for each in parts) for unit in _SECONDS}
    return {unit for unit, count in counts.items() if count > len(parts) // 50}


def _mapped(values: pa.Array, one: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    """A function of each differing value, in every row that has it."""
    encoded = values.dictionary_encode()
    made = pa.array([one(value) for value in encoded.dictionary.to_pylist()], kind)
    return made.take(encoded.indices)
