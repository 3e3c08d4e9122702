"""How notes write dates: with digits in any order, and with months by name in eight languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.io.written.time_signs import MONTHS
from fabula.pii.dates import written_times
from fabula.privacy.notes.needles import Mention, Needle
from fabula.privacy.notes.writers import Hits, only_where, written_parts
from fabula.privacy.squeezed import Counts, Runs, runs_of

_FIRST_YEAR, _LAST_YEAR = 1800, 2199

_ORDINALS = ["th", "st", "nd", "rd", *["th"] * 17, "st", "nd", "rd", *["th"] * 7, "st"]

LAYOUTS = ("YMD", "DMY", "MDY", "DMy", "MDy", "yMD", "dmY", "mdY", "dmy", "mdy", "Ymd")
"""Orders of digits: capitals with leading zeros, `y` a year of two digits."""

_NAMED = ("dNY", "NdY", "DNY", "NDY")
_FULL_STOPS = {"es": "d-N-Y", "pt": "d-N-Y"}
"""Where a dash stands, the language has a word: `12 de abril de 1965`."""


@dataclass(frozen=True)
class _Piece:
    """A part of each row's date: a text of a table."""

    table: tuple[str, ...]
    at: NDArray[np.int64]
    known: NDArray[np.bool_]

    def take(self, rows: Counts) -> pa.Array:
        """The texts of some rows."""
        at = array_of(self.at[rows], missing=~self.known[rows])
        return pa.array(self.table, pa.large_string()).take(at)

    def runs(self) -> Runs:
        """The piece as a run a row."""
        table = _table_runs(self.table)
        lengths = np.where(self.known, table.lengths[self.at], 0)
        return Runs(table.hashes[self.at], lengths, table.first[self.at])


@lru_cache(maxsize=64)
def _table_runs(table: tuple[str, ...]) -> Runs:
    return runs_of(table)


def read_dates(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts or times as days; null where a text isn't one."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_temporal(values.type):
        return values.cast(pa.date32(), safe=False)
    texts = values.cast(pa.string())
    read = pc.strptime(pc.utf8_slice_codeunits(texts, 0, 10), "%Y-%m-%d", "s", error_is_null=True)
    if read.null_count > texts.null_count:
        other = written_times(texts.fill_null("").to_pylist())
        if other is not None:
            read = pc.coalesce(read, other.cast(read.type, safe=False))
    return read.cast(pa.date32())


def date_needles(mention: Mention) -> Iterator[Needle]:
    """The needles of dates."""
    old, new = (_pieces(read_dates(values)) for values in (mention.original, mention.replacement))
    for layout in LAYOUTS:
        yield _needle(mention.kind, old, new, layout)
    for language in MONTHS:
        layouts = [_FULL_STOPS[language]] if language in _FULL_STOPS else _NAMED
        for layout in layouts:
            for name in ("N", "n"):
                yield _needle(mention.kind, old, new, layout.replace("N", name), language)
    yield _needle(mention.kind, old, new, "oNY", "en")
    yield _needle(mention.kind, old, new, "NoY", "en")


def _needle(
    kind: str, old: dict[str, _Piece], new: dict[str, _Piece], layout: str, language: str = ""
) -> Needle:
    names = [letter + language if letter in "Nn" else letter for letter in layout]
    runs = [old[name].runs() for name in names]
    whole = runs[0]
    for piece in runs[1:]:
        whole = whole + piece
    write = written_parts(*(new[name] for name in names))
    written = write if layout in ("YMD", "DMY", "MDY") else only_where(write, _are_apart)
    return Needle(kind, whole, written, [run.lengths for run in runs[:-1]])


def _are_apart(hits: Hits) -> NDArray[np.bool_]:
    """Where the parts of the date do not run together: `1465` is a number."""
    return np.asarray((hits.cuts[:, ::2] < hits.cuts[:, 1::2]).all(axis=1), bool)


def _pieces(dates: pa.Array) -> dict[str, _Piece]:
    known = dates.is_valid().to_numpy(zero_copy_only=False)
    filled = dates.fill_null(0)
    year = pc.year(filled).to_numpy()
    known = known & (year >= _FIRST_YEAR) & (year <= _LAST_YEAR)
    year = np.clip(year, _FIRST_YEAR, _LAST_YEAR)
    month, day = pc.month(filled).to_numpy(), pc.day(filled).to_numpy()
    two = tuple(f"{number:02}" for number in range(100))
    plain = tuple(map(str, range(32)))
    years = tuple(map(str, range(_FIRST_YEAR, _LAST_YEAR + 1)))
    pieces = {
        "Y": _Piece(years, year - _FIRST_YEAR, known), "y": _Piece(two, year % 100, known),
        "M": _Piece(two, month, known), "m": _Piece(plain, month, known),
        "D": _Piece(two, day, known), "d": _Piece(plain, day, known),
        "o": _Piece(tuple(f"{n}{_ORDINALS[n]}" for n in range(32)), day, known),
        "-": _Piece(("de",), np.zeros(len(day), dtype=np.int64), known),
    }  # fmt: skip
    for language, names in MONTHS.items():
        months = ("", *names.split())
        pieces[f"N{language}"] = _Piece(months, month, known)
        pieces[f"n{language}"] = _Piece(tuple(name[:3] for name in months), month, known)
    return pieces


_FORMS = (
    "{y} {m:02} {d:02}", "{d:02} {m:02} {y}", "{m:02} {d:02} {y}", "{d} {m} {y}", "{m} {d} {y}",
    "{d}{th} {en} {y}", "{en} {d}{th} {y}", "{en} {d} {y}",
)  # fmt: skip


def spelled_dates(values: pa.Array | pa.ChunkedArray) -> Iterator[list[str]]:
    """Distinct dates in all the ways of writing them, a way at a time."""
    found = read_dates(values)
    dates = [date for date in pc.unique(found).to_pylist() if date is not None]
    for form in _FORMS:
        yield [
            form.format(y=date.year, m=date.month, d=date.day, th=_ORDINALS[date.day],
                        en=MONTHS["en"].split()[date.month - 1])
            for date in dates
        ]  # fmt: skip
    for language, names in MONTHS.items():
        word = " de" if language in _FULL_STOPS else ""
        for size in (3, 99):
            months = [name[:size] for name in names.split()]
            yield [f"{d.day}{word} {months[d.month - 1]}{word} {d.year}" for d in dates]
