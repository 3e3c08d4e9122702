"""What a column of texts stands for: one form of dates, times, durations or numbers.

A few texts may be of no such form. Words and placeholders such as 9999-12-31 mean that a value is
missing; others are mistyped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.written.duration_forms import DurationForm
from fabula.io.written.form import MOST_STRAY, Rows, StringFormat, flags, suits
from fabula.io.written.number_forms import NumberForm
from fabula.io.written.time_forms import CLOCK_DIGITS, TimeForm

WORDS_FOR_MISSING = (
    "", "-", "--", ".", "?", "#n/a", "n/a", "na", "nan", "nat", "none", "null", r"\n", "missing",
    "not available", "pending", "tbd", "unbekannt", "unknown",
)  # fmt: skip
"""Words that mean a missing value wherever they stand, in small letters."""

_IMPOSSIBLE = r"^(?:0{1,19}|9{1,19}|9999\d{2,12}|\d{2,4}9999\d{0,9}|0001\d{4,12}|\d{4}0001)$"
_EARLY = ("1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01")
"""Days on which calendars of programs start, and which they write where they know none."""

_FEW_WORDS, _FEW_WORDS_SHARE = 5, 0.1
"""Several words are for missing values if they are this few, in this share of the rows."""

_DATE_DIGITS = (
    r"^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-3]\d(?:[0-2]\d(?:[0-5]\d(?:[0-5]\d)?)?)?)?$"
    r"|^\d?\d(?:0[1-9]|1[0-2])[0-3]\d$|^[0-3]?\d(?:0[1-9]|1[0-2])\d\d$"
    r"|^(?:19|20)\d\d[0-3]\d\d$"
)
_FIRST = 1_000
"""Rows that tell whether numbers may be dates at all."""

_CLOCK_TIMES, _CLOCK_HOURS, _CLOCK_MINUTES, _LATE = 40, 6, 12, 55
"""Numbers are times of day if so many differ, in so many hours, and with so many differing last
two digits, up to that one: of other numbers two in five end in 60 to 99."""

_SEEN = 20_000
"""Differing texts that are looked at for their shapes."""

_VARIED = 20
"""Mistyped texts are told from labels only among that many differing values."""


@dataclass(frozen=True)
class Written:
    """What a column of texts stands for.

    Attributes:
        form: How its values are written.
        gaps: The texts that stand for a missing value, with the number of rows of each.
        stray: How many rows are mistyped.
    """

    form: StringFormat
    gaps: Mapping[str, int] = field(default_factory=dict)
    stray: int = 0


def written_form(texts: pa.Array) -> Written | None:
    """What a column of plain strings stands for, or None if they have no form in common."""
    counted = texts.drop_null().value_counts()
    known, rows = counted.field("values"), counted.field("counts").to_numpy()
    bare = flags(pc.invert(pc.match_substring_regex(known, r"\d")))
    if bare.all() or not _may_be_missing(known.filter(pa.array(bare)), rows[bare], texts):
        return None
    digits, counts = known.filter(pa.array(~bare)), rows[~bare]
    form = _form(digits, counts)
    if form is None:
        return None
    values = form.read(digits)
    empty = _placeholders(digits, values)
    stray = flags(values.is_null()) & ~empty
    judged = ~empty
    if not judged.any() or not suits(form, digits.filter(pa.array(judged)), counts[judged]):
        return None
    if stray.any() and judged.sum() - stray.sum() < _VARIED:
        return None
    if isinstance(form, NumberForm) and form.is_code(
        digits, only=not (stray | empty).any() and not bare.any()
    ):
        return None
    words = zip(known.filter(pa.array(bare)).to_pylist(), rows[bare].tolist(), strict=True)
    dates = zip(digits.filter(pa.array(empty)).to_pylist(), counts[empty].tolist(), strict=True)
    return Written(form, {**dict(words), **dict(dates)}, int(counts[stray].sum()))


def written_digits(texts: pa.Array) -> Written | None:
    """The dates or times of day that whole numbers stand for, such as 20240105, 202401 or 1305."""
    some = texts.drop_null()[:_FIRST]
    dates = flags(pc.match_substring_regex(some, _DATE_DIGITS))
    if not len(some):
        return None
    if dates.mean() < _FEW_WORDS_SHARE:
        return _clock_digits(texts, some)
    found = written_form(texts)
    return found if found is not None and isinstance(found.form, TimeForm) else None


def _clock_digits(texts: pa.Array, some: pa.Array) -> Written | None:
    """The times of day that whole numbers are, none of which ends in 60 to 99."""
    form = TimeForm(CLOCK_DIGITS)
    if flags(form.read(some.unique()).is_null()).mean() > MOST_STRAY:
        return None
    counted = texts.drop_null().value_counts()
    known, rows = counted.field("values"), counted.field("counts").to_numpy()
    read = form.read(known)
    stray = flags(read.is_null())
    minutes = read.drop_null().cast(pa.int32()).to_numpy() // 60
    hours, rest = np.unique(minutes // 60), np.unique(minutes % 60)
    varied = len(hours) >= _CLOCK_HOURS and len(rest) >= _CLOCK_MINUTES and rest[-1] >= _LATE
    if not varied or len(minutes) < _CLOCK_TIMES or not suits(form, known, rows):
        return None
    return Written(form, {}, int(rows[stray].sum()))


def is_gap(texts: pa.Array, values: pa.Array) -> NDArray[np.bool_]:
    """Which texts say by their looks that a value is missing; `values` was read of them."""
    bare = flags(pc.invert(pc.match_substring_regex(texts, r"\d")).fill_null(False))
    return bare | _impossible(texts, values)


def is_known_gap(text: str) -> bool:
    """Whether everybody writes a missing value so."""
    return text.strip().lower() in WORDS_FOR_MISSING or any(map(str.isdigit, text))


def _may_be_missing(words: pa.Array, rows: Rows, texts: pa.Array) -> bool:
    """Whether words without a digit can stand for missing values only."""
    bare = pc.utf8_lower(pc.utf8_trim_whitespace(words))
    known = flags(pc.is_in(bare, value_set=pa.array(WORDS_FOR_MISSING, words.type)))
    others, share = int((~known).sum()), rows[~known].sum() / (len(texts) - texts.null_count)
    if others <= 1 and (not texts.null_count or share <= _FEW_WORDS_SHARE):
        return True
    return bool(others <= _FEW_WORDS and share <= _FEW_WORDS_SHARE) or share <= MOST_STRAY


def _form(texts: pa.Array, rows: Rows) -> StringFormat | None:
    """The form that most rows have."""
    for some, counts in _readings(texts, rows):
        best: StringFormat | None = None
        most = 0
        for kind in (TimeForm, DurationForm, NumberForm):
            if isinstance(best, TimeForm) and best.is_compact:
                break  # whole numbers, too, even the mistyped ones
            form = kind.of(some, counts)
            read = 0 if form is None else suits(form, some, counts)
            if read > most:
                best, most = form, read
        if best is not None:
            return best
    return None


def _readings(texts: pa.Array, rows: Rows) -> Iterator[tuple[pa.Array, Rows]]:
    """All texts; those that are not placeholders; those of the most frequent shapes."""
    yield texts, rows
    usual = ~flags(pc.match_substring_regex(_digits(texts), _IMPOSSIBLE))
    if not usual.any():
        return
    some, counts = texts.filter(pa.array(usual)), rows[usual]
    if not usual.all():
        yield some, counts
    some, counts = some[:_SEEN], counts[:_SEEN]
    shapes = pc.replace_substring_regex(some, r"\d", "0")
    shapes = pc.replace_substring_regex(shapes, r"\pL+", "a").dictionary_encode()
    number = shapes.indices.to_numpy(zero_copy_only=False)
    sums = np.bincount(number, counts)
    order = np.argsort(-sums, kind="stable")
    enough = np.searchsorted(np.cumsum(sums[order]), (1 - MOST_STRAY) * sums.sum()) + 1
    ranks = np.empty(len(order), int)
    ranks[order] = np.arange(len(order))
    if enough < len(order):
        kept = np.flatnonzero(ranks[number] < enough)
        kept = kept[np.argsort(ranks[number[kept]], kind="stable")]
        yield some.take(pa.array(kept)), counts[kept]


def _placeholders(texts: pa.Array, values: pa.Array) -> NDArray[np.bool_]:
    """Which texts are not a real day: 0000-00-00, 9999-12-31, a 1900-01-01 far from all others."""
    unread = _impossible(texts, values)
    if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
        return unread
    moments = values.cast(pa.timestamp("s"), safe=False)
    starts = pa.array(_EARLY, pa.string()).cast(moments.type)
    early = flags(pc.is_in(moments, value_set=starts)) & ~flags(values.is_null())
    moments = moments.cast(pa.int64())
    others = moments.filter(pa.array(~early)).drop_null().to_numpy()
    if not early.any() or not len(others):
        return unread
    last = pc.max(moments.filter(pa.array(early))).as_py()
    return unread | early if others.min() - last > np.ptp(others) else unread


def _impossible(texts: pa.Array, values: pa.Array) -> NDArray[np.bool_]:
    """Which texts are not a value, but the zeros and nines that programs write for none."""
    if pa.types.is_duration(values.type) or pa.types.is_time(values.type):
        return np.zeros(len(texts), bool)
    nothing = pc.match_substring_regex(_digits(texts), _IMPOSSIBLE).fill_null(False)
    return flags(values.is_null()) & flags(nothing)


def _digits(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, r"\D", "")
