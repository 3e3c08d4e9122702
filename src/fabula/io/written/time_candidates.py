"""The formats that texts of times may have, by their parts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.written.form import MOST_STRAY, Rows
from fabula.io.written.time_signs import NAMES, WIDTHS, cased

_NUMBERED_DATES = ("Ymd", "dmY", "mdY", "dmy", "mdy", "ymd", "Ym", "mY", "")
_NAMED_DATES = ("dY", "Yd", "dy", "Y", "y")
_TIMES = ("", "HM", "HMS", "HMSf")
_BETWEEN_DATES = frozenset({"/", "-", ".", " ", ". ", ", "})
_BEFORE: Mapping[str, frozenset[str]] = {
    "M": frozenset({":", "h"}),
    "S": frozenset({":"}),
    "f": frozenset({".", ","}),
}
"""What may precede minutes, seconds and their fraction."""

_CONSTANT = frozenset({"T", "Z", "UTC", "GMT", "at", "h", "Uhr", "de"})
"""Words that may be in times; others make codes, such as `RE 2019-12`."""

_COMPACT: Mapping[int, str] = {
    6: "%Y%2m", 7: "%Y%3j", 8: "%Y%2m%2d", 10: "%Y%2m%2d%2H", 12: "%Y%2m%2d%2H%M",
    14: "%Y%2m%2d%2H%M%S", 17: "%Y%2m%2d%2H%M%S%3f", 20: "%Y%2m%2d%2H%M%S%6f",
}  # fmt: skip
_DAYS_OF_YEARS = 7
"""Digits of a year and a day of it, which few numbers are by chance."""
_SHORT: Mapping[tuple[int, ...], tuple[str, ...]] = {
    (6,): ("%2y%2m%2d", "%2d%2m%2y"), (5, 6): ("%-y%2m%2d", "%-d%2m%2y"),
}  # fmt: skip
"""Dates with two digits of the year, by how many digits whole numbers have that stand for them."""
_FEWEST_SHORT, _FEWEST_MONTHS = 20, 3
"""Fewer differing numbers, or numbers of fewer months, may be such dates by chance."""
_COMPACT_TIMES: Mapping[int, str] = {4: "%2H%M", 6: "%2H%M%S"}
_FEWEST_COMPACT = 5
"""Fewer differing numbers may be dates by chance."""
_FEWEST_DAYS, _DAY_DIGITS = 2, 8
"""The same for numbers that tell a day, too, which one in a thousand does by chance."""

_PERIODS: Mapping[str, str] = {
    r"\d{4}([ /-]?Q)[1-4]": r"%Y\1%q", r"(Q)[1-4]([ /-]?)\d{4}": r"\1%q\2%Y",
    r"[1-4](Q[ /-]?)\d{4}": r"%q\1%Y", r"\d{4}([ /-]?[HS])[12]": r"%Y\1%h",
    r"([HS])[12]([ /-]?)\d{4}": r"\1%h\2%Y", r"\d{4}([ /-]?W)\d\d": r"%G\1%V",
    r"(W)\d\d([ /-]?)\d{4}": r"\1%V\2%G", r"\d{4}-\d{3}": "%Y-%j",
    r"(FY[ /-]?)\d\d": r"\1%y", r"(FY[ /-]?)\d{4}": r"\1%Y",
    r"(FY[ /-]?)\d\d([/-])\d\d": r"\1%y\2%n", r"((?:FY[ /-]?)?)\d{4}([/-])\d\d": r"\1%Y\2%n",
    r"((?:FY[ /-]?)?)\d{4}([/-])\d{4}": r"\1%Y\2%N",
}  # fmt: skip
"""Periods of time, and the forms that write them."""

_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
_ZONE = re.compile(r"(?<=:\d\d)[+-]\d\d:?\d\d$")
_LONGEST = 40


def candidates(texts: pa.Array, rows: Rows) -> list[str]:
    """Formats that may be those of all texts, the more usual ones first."""
    first = str(texts[0])
    if len(first) > _LONGEST or not any(char.isdigit() for char in first):
        return []
    tokens = _tokens(first)
    classes = "".join(map(_class, range(len(tokens)), tokens))
    parts = pc.extract_regex(texts, f"^{classes}$")
    periods = [*_periods(first)] * (len(texts) >= _FEWEST_COMPACT)
    if parts.null_count:
        return periods
    columns = iter(parts.flatten())
    values = [next(columns) if token[0].isalnum() else None for token in tokens]
    short = _short(texts) if len(tokens) == 1 and first.isdigit() else ()
    return [*periods, *_compact(tokens, values), *short, *_separated(tokens, values, rows)]


def _periods(text: str) -> Iterator[str]:
    """The form of a period of time, if a text is one."""
    for shape, form in _PERIODS.items():
        if (found := re.fullmatch(shape, text)) is not None:
            yield found.expand(form)


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


def _compact(tokens: list[str], values: list[pa.Array | None]) -> Iterator[str]:
    """Forms of digits without signs between them: 20240105, 202401, 20240105T101500."""
    fields = []
    for token, texts in zip(tokens, values, strict=True):
        if token in ("T", "Z"):
            fields.append(token)
        elif texts is not None and token.isdigit():
            widths = pc.unique(pc.utf8_length(texts)).to_pylist()
            known = _COMPACT_TIMES if fields else _COMPACT
            fewest = _FEWEST_DAYS if widths[0] >= _DAY_DIGITS else _FEWEST_COMPACT
            if len(widths) > 1 or widths[0] not in known or len(texts) < fewest:
                return
            if widths[0] == _DAYS_OF_YEARS and len(texts) < _FEWEST_SHORT:
                return
            fields.append(known[widths[0]])
        else:
            return
    if tokens[0].isdigit() and len(tokens[0]) >= min(_COMPACT):
        yield "".join(fields)


def _short(texts: pa.Array) -> Iterator[str]:
    """Forms of dates of six digits: 240105, 050124; the first digit is missing where it is zero.

    Where both can be read, days differ more than years.
    """
    widths = tuple(sorted(pc.unique(pc.utf8_length(texts)).to_pylist()))
    padded = pc.utf8_lpad(texts, 6, "0")
    first, months, last = (
        len(pc.unique(pc.utf8_slice_codeunits(padded, at, at + 2))) for at in (0, 2, 4)
    )
    if len(texts) >= _FEWEST_SHORT and months >= _FEWEST_MONTHS:
        yield from _SHORT.get(widths, ())[:: -1 if first > last else 1]


def _separated(tokens: list[str], values: list[pa.Array | None], rows: Rows) -> Iterator[str]:
    """Forms that suit the tokens, the usual order of day and month first."""
    words = {at: _word(values[at], rows) for at, token in enumerate(tokens) if token[0].isalpha()}
    if None in words.values():
        return
    numbers = [at for at, token in enumerate(tokens) if token[0].isdigit()]
    signs = [sign for sign in words.values() if sign and sign.startswith("%")]
    named, halves = any("b" in sign[:3].lower() for sign in signs), any(s[-1] == "p" for s in signs)
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
                yield "".join(str(piece) for piece in pieces)


def _preferred(tokens: list[str]) -> tuple[str, ...]:
    """Orders of dates; between slashes, the month comes first where no value tells."""
    if "/" in tokens:
        return tuple(sorted(_NUMBERED_DATES, key=lambda order: not order.startswith("md")))
    return _NUMBERED_DATES


def _well_separated(tokens: list[str], placed: Mapping[int, str]) -> bool:
    """Whether colons are in times, and one and the same sign between the numbers of a date."""
    between = set()
    for at, role in placed.items():
        before = tokens[at - 1] if at else ""
        if role in _BEFORE:
            if before not in _BEFORE[role]:
                return False
        elif role in "Yymd" and placed.get(at - 2, "") in (*"Yymd",) and not before.isalpha():
            between.add(before)
    return len(between) <= 1 and between <= _BETWEEN_DATES


def _is_version(tokens: list[str], fields: Collection[str | None]) -> bool:
    """Whether it may as well be a number of chapters, such as 1.2.10: no date has so few digits."""
    return "%y" in fields and "." in tokens and bool({"%-d", "%-m"} & set(fields))


def _field(role: str, texts: pa.Array | None) -> str | None:
    """The sign of a number, or None if the texts can't be that."""
    assert texts is not None
    widths = pc.unique(pc.utf8_length(texts)).to_pylist()
    least, most = WIDTHS[role]
    if min(widths) < least or max(widths) > most:
        return None
    if role == "f":
        return f"%{widths[0]}f" if len(widths) == 1 else None
    return f"%-{role}" if min(widths) < most else f"%{role}"


def _word(texts: pa.Array | None, rows: Rows) -> str | None:
    """The sign of a word, the word itself where it may be in all times, or None."""
    assert texts is not None
    found = pc.unique(texts).to_pylist()
    if len(found) == 1 and found[0] in _CONSTANT:
        return str(found[0])
    values = texts.dictionary_encode()
    weights = np.bincount(values.indices.to_numpy(zero_copy_only=False), rows)
    counts = dict(zip(values.dictionary.to_pylist(), weights, strict=True))
    for sign, names in NAMES.items():
        for flag in ("", "^", "_", "+"):
            known = sum(counts.get(cased(name, flag), 0) for name in names)
            if known >= (1 - MOST_STRAY) * rows.sum():
                return f"%{flag}{sign}"
    return None
