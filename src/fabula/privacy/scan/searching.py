"""The search of one text for real values: whole ones, ends of numbers, and names of one person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.pii.lexicon import all_first, all_last
from fabula.privacy.folding import ALONE, CLASS, DIGIT, LOWER
from fabula.privacy.scan.real_values import PersonWords, RealValues
from fabula.privacy.squeezed import Counts, Squeezed, code_points

NEAR = 200
"""Characters between two names of one person that distinguish them from chance."""


@dataclass(frozen=True)
class Seen:
    """Real values in a text.

    Attributes:
        sought: The place of each in `RealValues.sought`; -1 for names of one person, -2 for a
            single name.
        begins: Where each starts, in code points.
        ends: Where each ends.
    """

    sought: Counts
    begins: Counts
    ends: Counts


def squeezed_lines(data: bytes | str) -> tuple[str, Squeezed]:
    """A text whose lines, and objects of JSON, are the rows."""
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    raw = code_points(text)
    ends = np.flatnonzero((raw == 10) | (raw == 125))
    return text, Squeezed.of_codes(raw, np.concatenate([[0], ends + 1, [len(raw) + 1]]))


def search(
    text: str,
    lines: Squeezed,
    real: RealValues,
    expected: NDArray[np.float64],
    *,
    names: bool,
    tails: bool = True,
    pairs: bool = True,
) -> Iterator[Seen]:
    """All real values in a text.

    Args:
        text: The text.
        lines: The same, squeezed.
        real: What is sought.
        expected: How many of each of `RealValues.sought` chance brings; that of this text is added.
        names: Whether a single name counts.
        tails: Whether numbers count that end as a real one does.
        pairs: Whether first and last names of one person near to each other count.
    """
    if not len(lines.codes):
        return
    told = np.zeros(len(lines.row_ends) - 1, dtype=bool)
    likely = real.index.likely(lines)
    starts, lengths, entries = real.index.find(lines, likely)
    if len(starts):
        begins = lines.places[starts]
        ends = lines.places[starts + lengths - 1] + 1
        first, last = (np.searchsorted(lines.starts, at) for at in (starts, starts + lengths))
        least = real.words[entries]
        kept = (last - first >= least) & (ends - begins <= 2 * lengths + 8)
        kept[kept] = ~real.apart[entries[kept]] | lines.are_apart(starts[kept], lengths[kept])
        # one sign parts the words of `s.brown`: the end of a sentence and a name have more
        users = real.longer[real.labels[entries]] != real.labels[entries]
        kept &= ~users | (ends - begins < lengths + last - first)
        kept[kept] = ~_are_longer_names(lines, starts[kept], (starts + lengths)[kept])
        told[lines.rows[first[kept]]] = True
        sought, signs = real.labels[entries[kept]], (starts + lengths)[kept]
        longer = _go_on_in_digits(lines, signs)
        sought[longer] = real.longer[sought[longer]]
        yield Seen(sought, begins[kept], ends[kept])
    sorts = real.codes.sorts
    expected[:sorts] += real.codes.expected(lines, likely)
    if tails:
        found, begins, ends, chance = real.codes.tails(lines)
        expected[:sorts] += chance
        yield Seen(found, lines.places[begins], lines.places[ends - 1] + 1)
    if pairs:
        yield from _pairs(text, lines, real.people, told)
    if names:
        word_ends = lines.word_ends
        capital = np.flatnonzero(lines.kinds[lines.starts] & LOWER == 0)
        hits, _ = real.people.alone.find(lines.word_hashes[capital])
        words = capital[hits]
        yield Seen(np.full(len(words), -2), lines.places[lines.starts[words]],
                   lines.places[word_ends[words] - 1] + 1)  # fmt: skip


def _go_on_in_digits(lines: Squeezed, ends: Counts) -> NDArray[np.bool_]:
    """Where letters end at some places of the stream and digits follow at once."""
    digits, last = lines.kinds & CLASS == DIGIT, len(lines.codes) - 1
    after = np.minimum(ends, last)
    found: NDArray[np.bool_] = (ends <= last) & digits[after] & ~digits[ends - 1]
    found &= lines.places[after] == lines.places[ends - 1] + 1
    return found


def _are_longer_names(lines: Squeezed, starts: Counts, ends: Counts) -> NDArray[np.bool_]:
    """Where the sign before or after makes it another's name, in scripts without spaces.

    小原 is not 原, and 光子 is not 光.
    """
    found = np.zeros(len(starts), dtype=bool)
    for at in np.flatnonzero(lines.kinds[starts] & CLASS == ALONE).tolist():
        signs = [slice(place - 1, place + 1) for place in (int(starts[at]), int(ends[at]))]
        found[at] = any(
            where.start >= 0
            and (lines.places[where][1:] == lines.places[where][:-1] + 1).any()
            and "".join(map(chr, lines.codes[where])) in names()
            for where, names in zip(signs, (all_last, all_first), strict=True)
        )
    return found


def _pairs(
    text: str, lines: Squeezed, people: PersonWords, told: NDArray[np.bool_]
) -> Iterator[Seen]:
    """First and last names of one real person near to each other, in lines that are not told."""
    if not len(people.pairs):
        return
    word_ends = lines.word_ends
    likely = people.likely.find(lines.word_hashes)
    (first, first_of), (last, last_of) = (
        names.find(lines.word_hashes[likely]) for names in (people.first, people.last)
    )
    if not len(first) or not len(last):
        return
    first, last = likely[first], likely[last]
    rows, places = lines.rows, lines.places[lines.starts]
    # each last name with the first names around it
    begin = np.searchsorted(places[first], places[last] - NEAR, side="left")
    count = np.searchsorted(places[first], places[last] + NEAR, side="right") - begin
    which = np.repeat(np.arange(len(last)), count)
    mine = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + begin[which]
    together = PersonWords.together(first_of[mine], last_of[which])
    at = np.minimum(np.searchsorted(people.pairs, together), len(people.pairs) - 1)
    one, other = first[mine], last[which]
    hit = (people.pairs[at] == together) & (rows[one] == rows[other]) & (one != other)
    hit &= ~told[rows[one]]
    one, other = one[hit], other[hit]
    # with a name in capitals, a small word of a sentence is not the other one: `Anna was strong`
    small = lines.kinds[lines.starts] & LOWER > 0
    hit = np.array([
        bool(small[a] == small[b]) or text[places[a if small[a] else b] - 1] != " "
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    ], dtype=bool)  # fmt: skip
    one, other = one[hit], other[hit]
    begins = np.minimum(places[one], places[other])
    ends = np.maximum(*(lines.places[word_ends[words] - 1] for words in (one, other))) + 1
    yield Seen(np.full(len(one), -1), begins, ends)
