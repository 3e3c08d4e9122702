"""How notes mention what belongs to a person: e-mail, user name, phone, address, numbers, dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import whole_texts
from fabula.privacy.folding import CLASS, DIGIT
from fabula.privacy.notes.dates import date_needles
from fabula.privacy.notes.needles import Mention, Needle, whole_needle
from fabula.privacy.notes.ordinary import weak
from fabula.privacy.notes.writers import (
    Hits,
    Texts,
    Writer,
    flags,
    poured,
    rewritten,
    written_poured,
    written_whole,
)
from fabula.privacy.squeezed import Counts, Squeezed

NAMES = ("name", "first_name", "last_name")
DATES = ("birth_date", "date")
TAIL = 7
"""Digits at the end of a phone number that tell it, however its front is dialled."""

_LEAST = {"username": 3, "street": 5, "company": 3, "city": 2, "postcode": 4}
_LEAST_CODE = 4


def detail_needles(notes: Squeezed, own: Sequence[Mention]) -> Iterator[Needle]:
    """The needles of all mentions but names and phone numbers that the notes may hold."""
    for each in own:
        if each.kind in (*NAMES, "phone"):
            continue
        mention = each if each.kind in (*DATES, "username") else _likely(notes, each)
        if mention is None:
            continue
        if mention.kind in DATES:
            yield from date_needles(mention)
        elif mention.kind == "email":
            yield whole_needle(mention, written_whole, 6)
            yield whole_needle(mention, written_whole, 4, _without("@.*$"))
        elif mention.kind == "street":
            yield whole_needle(mention, written_whole, _LEAST["street"])
            yield _part_of_street(mention, r"^\d+\w?,?\s+|,?\s+\d+\s?\w?$")
            yield _part_of_street(mention, r"^(\d.*)\s\S+$", r"\1")
        elif mention.kind in _LEAST:
            needle = whole_needle(mention, written_whole, _LEAST[mention.kind])
            yield replace(needle, weak=weak(needle.runs))
        else:
            yield whole_needle(mention, written_poured, _LEAST_CODE)
            if mention.kind == "card":
                yield whole_needle(mention, written_poured, 4, _without(r"^.*(\d{4})$", r"\1"))


def _likely(notes: Squeezed, mention: Mention) -> Mention | None:
    """A mention of the rows alone whose note has a word that begins as one of the value does."""
    old = whole_texts(mention.original)
    if mention.kind == "card":
        old = pc.replace_substring_regex(old, r"(\d{4})$", r" \1")
    rows = Squeezed.of(old).rows_like(notes)
    if not rows.any():
        return None
    kept = pc.if_else(pa.array(rows), mention.original, pa.scalar(None, mention.original.type))
    return replace(mention, original=kept.cast(pa.large_string()))


def _without(pattern: str, by: str = "") -> Callable[[pa.Array], pa.Array]:
    """Leaves a part of values out."""
    return lambda values: pc.replace_substring_regex(values, pattern, by)


def _part_of_street(mention: Mention, pattern: str, by: str = "") -> Needle:
    """A street without its number, or without its last word: at least two words or ten letters."""

    def part(values: pa.Array) -> pa.Array:
        left = pc.replace_substring_regex(values, pattern, by)
        told = pc.and_(pc.match_substring_regex(left, r"\S\s+\S|.{10}"), pc.not_equal(left, values))
        return pc.if_else(told, left, pa.scalar(None, left.type))

    return whole_needle(mention, written_whole, 6, part)


def phones(notes: Squeezed, mention: Mention) -> tuple[Counts, Counts, Counts, Writer]:
    """Where notes hold their row's phone number, however its front is written.

    Returns:
        Where each starts in the stream, its length, its row, and what is written for it.
    """
    ends = digit_ends(notes)
    rows = notes.row_of(ends - 1)
    some, which = np.unique(rows, return_inverse=True)
    old = Squeezed.of(all_dialled(mention.original.cast(pa.large_string()).take(pa.array(some))))
    long = np.diff(old.row_ends)[which] >= TAIL
    rows, ends, which = rows[long], ends[long], which[long]
    stop = old.row_ends[which + 1]
    same = notes.hashes(ends - TAIL, ends) == old.hashes(stop - TAIL, stop)
    rows, ends, which, stop = rows[same], ends[same], which[same], stop[same]
    ahead, first, known = ends - stop, notes.row_ends[rows], old.row_ends[which]

    def goes_on(starts: Counts) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = (starts > first) & (starts - ahead > known)
        at = starts[inside] - 1
        inside[inside] = notes.codes[at] == old.codes[at - ahead[inside]]
        return inside

    def has_zero(starts: Counts) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = ~notes.bounds[starts] & (starts > first)
        inside[inside] = notes.codes[starts[inside] - 1] == ord("0")
        return inside

    begins = leftwards(leftwards(ends - TAIL, goes_on), has_zero)
    keep = notes.bounds[begins]
    old_texts, new = Texts(mention.original), Texts(mention.replacement)

    def redialled(span: str, value: str, before: str) -> str:
        if before.endswith(span) and len(before) == len(value):
            return value[-len(span) :]
        zeros = (re.match(r"[\D0]*", span) or span)[0] if "0" in span[:3] else ""
        return zeros + poured(span[len(zeros) :], dialled(value).lstrip("0"))

    def write(hits: Hits) -> pa.Array:
        values, before = new.take(hits.rows), old_texts.take(hits.rows)
        longer = pc.not_equal(pc.utf8_length(values), pc.utf8_length(before))
        odd = hits.differ(before) | flags(pc.fill_null(longer, False))
        return rewritten(hits.spans, values, odd, redialled, before)

    return begins[keep], (ends - begins)[keep], rows[keep], write


def leftwards(starts: Counts, goes_on: Callable[[Counts], NDArray[np.bool_]]) -> Counts:
    """Starts that move to the left one by one, as long as each continues."""
    while (further := goes_on(starts)).any():
        starts = starts - further
    return starts


_EXTENSION = re.compile(r"(?i)[\s,;]*(x|ext|extension|durchwahl|poste|#)[.:]?\s*\d{1,6}\s*$")


def dialled(number: str) -> str:
    """The digits of a phone number, without those of an extension."""
    return re.sub(r"\D", "", _EXTENSION.sub("", number))


def all_dialled(numbers: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """As `dialled`, for many."""
    plain = pc.replace_substring_regex(numbers, _EXTENSION.pattern, "")
    return pc.replace_substring_regex(plain, r"\P{Nd}", "")


def digit_ends(texts: Squeezed) -> Counts:
    """The ends of words of digits, with at least `TAIL` signs of their row before them."""
    ends = texts.word_ends
    fits = ends - TAIL >= texts.row_ends[texts.rows]
    fits[fits] = texts.kinds[ends[fits] - 1] & CLASS == DIGIT
    return ends[fits]
