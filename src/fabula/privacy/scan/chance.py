"""Numbers and codes that equal a real one: how many chance brings, by the space of the value.

What shares all but the last two digits with a real value shares those too in one of 100 cases (of
676 for letters); all but four digits, in one of 10,000. So the numbers of a text that are next to
real ones, without being one, tell how many equal one by chance: there is no cap to be set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.privacy.folding import CLASS, DIGIT
from fabula.privacy.notes.details import TAIL, leftwards
from fabula.privacy.run_index import HashSet, LikelyHashes
from fabula.privacy.squeezed import BEGINNING, Counts, Hashes, Squeezed

RARE = 0.001
"""A count that chance brings in fewer scans than this is a leak."""

_ENDINGS, _CHECKED = (2, 4), ("card", "national_id")
"""How many signs at the end chance draws: two, as in blocks of numbers; four, as in whole towns."""
_DIGITS, _KNOWN, _LONGEST, _MOST_WORDS = 4, 4, 19, 6
UNCODED = ("name", "email", "street", "address", "username", "url", "birth_date", "date", "text")
_APART = np.zeros(256, dtype=bool)
_APART[[*range(32), 127, *map(ord, ",;|")]] = True
"""What parts the values of a row: the digits of a phone number stand in one value."""
_PHONE_SIGNS = np.zeros(256, dtype=bool)
_PHONE_SIGNS[[*map(ord, " ()./\u00a0-")]] = True
_WIDEST = 3


def is_chance(count: int, expected: float) -> bool:
    """Whether chance explains a count (Poisson).

    Examples:
        >>> is_chance(1, 0.0), is_chance(2, 1.5), is_chance(20, 1.5)
        (False, True, False)
    """
    if expected > 700:
        return count <= expected + 3.1 * math.sqrt(expected)
    term, below = math.exp(-expected), 0.0
    for each in range(count):
        below += term
        term *= expected / (each + 1)
    return 1 - below > RARE


class _Near:
    """Values by all but their last signs, and how likely those are a real value's."""

    def __init__(self, ending: int) -> None:
        self._ending = ending
        self._parts: list[tuple[Hashes, Counts, NDArray[np.float64]]] = []
        self._known: tuple[HashSet, Counts, NDArray[np.float64]] | None = None

    def add(self, sort: int, kind: str, texts: Squeezed, begins: Counts, ends: Counts) -> None:
        """Add values of a sort: those that are longer than what chance draws of them."""
        long = ends - begins >= self._ending + _KNOWN
        begins, ends = begins[long], ends[long]
        ways = np.ones(len(ends)) / (10 if kind in _CHECKED else 1)
        for back in range(1, self._ending + 1):
            ways *= np.where(texts.kinds[ends - back] & CLASS == DIGIT, 10, 26)
        hashes = texts.hashes(begins, ends - self._ending)
        self._parts.append((hashes, np.full(len(ends), sort), ways))

    def expected(
        self, sorts: int, texts: Squeezed, begins: Counts, ends: Counts
    ) -> NDArray[np.float64]:
        """How many of some values, of which none is a real one, equal one by chance."""
        found = np.zeros(sorts)
        long = ends - begins >= self._ending + _KNOWN
        if not self._parts or not long.any():
            return found
        known, columns, chances = self._known = self._known or self._built()
        _, entries = known.find(texts.hashes(begins[long], ends[long] - self._ending))
        found[columns] = chances[entries].sum(axis=0)
        return found

    def _built(self) -> tuple[HashSet, Counts, NDArray[np.float64]]:
        hashes, sorts, ways = (np.concatenate(each) for each in zip(*self._parts, strict=True))
        unique, groups = np.unique(hashes, return_inverse=True)
        columns, which = np.unique(sorts, return_inverse=True)
        shape = len(unique), len(columns)
        cells = np.ravel_multi_index((groups, which), shape)
        share = np.bincount(cells, 1 / ways, shape[0] * shape[1])
        share = np.minimum(share, 0.99).reshape(shape)
        return HashSet(unique), columns, share / (1 - share)


class Codes:
    """Real numbers and codes: which numbers of a text end one, and what chance brings."""

    def __init__(self) -> None:
        self.sorts = 0
        self._near = [_Near(ending) for ending in _ENDINGS]
        self._near_ends = [_Near(ending) for ending in _ENDINGS]
        self._wholes: list[Hashes] = []
        self._begin: list[Hashes] = []
        self._lengths: set[int] = set()
        self._tails: dict[bool, list[tuple[Hashes, Counts]]] = {False: [], True: []}
        self._tail_lengths: set[int] = set()
        self._sets: tuple[HashSet, LikelyHashes] | None = None
        self._tail_sets: dict[bool, tuple[HashSet, Counts]] = {}

    def add(self, sort: int, kind: str, squeezed: Squeezed, rows: Counts) -> None:
        """Add whole values, as far as they are numbers or codes."""
        self.sorts = max(self.sorts, sort + 1)
        if kind in UNCODED:
            return
        digits = np.concatenate([[0], np.cumsum(squeezed.kinds & CLASS == DIGIT)])
        begins, ends = squeezed.row_ends[rows], squeezed.row_ends[rows + 1]
        coded = digits[ends] - digits[begins] >= _DIGITS
        begins, ends = begins[coded], ends[coded]
        self._lengths |= set(np.unique(ends - begins).tolist())
        self._wholes.append(squeezed.hashes(begins, ends))
        self._begin.append(squeezed.beginnings(BEGINNING, begins))
        once = _once(squeezed, begins, ends)
        for near in self._near:
            near.add(sort, kind, squeezed, *once)

    def add_tails(self, sort: int, kind: str, numbers: pa.Array) -> None:
        """Add numbers that are known by their last seven digits or more."""
        self.sorts = max(self.sorts, sort + 1)
        if not len(numbers):
            return
        squeezed = Squeezed.of(numbers)
        begins, ends = squeezed.row_ends[:-1], squeezed.row_ends[1:]
        self._tail_lengths |= set(np.unique(ends - begins).tolist())
        for size in range(TAIL, min(_LONGEST, int((ends - begins).max())) + 1):
            long = ends - begins >= size
            hashes = squeezed.hashes(ends[long] - size, ends[long])
            sorts = np.full(len(hashes), sort)
            self._tails[False].append((hashes, sorts))
            whole = (ends - begins)[long] == size
            self._tails[True].append((hashes[whole], sorts[whole]))
            once = _once(squeezed, ends[long] - size, ends[long])
            for near in self._near_ends:
                near.add(sort, kind, squeezed, *once)

    def expected(self, text: Squeezed, words: Counts) -> NDArray[np.float64]:
        """How many values of each sort chance brings into a text.

        Args:
            text: The text.
            words: The words at which a real value may start.
        """
        if self._sets is None:
            whole = HashSet(np.concatenate([np.zeros(0, np.uint64), *self._wholes]))
            self._sets = whole, LikelyHashes(np.concatenate([np.zeros(0, np.uint64), *self._begin]))
        wholes, likely = self._sets
        found = np.zeros(self.sorts)
        if not self._lengths or not len(text.codes):
            return found
        words = words[likely.find(text.beginnings(BEGINNING, text.starts[words]))]
        lengths = np.zeros(max(self._lengths) + 2, dtype=bool)
        lengths[list(self._lengths)] = True
        for more in range(_MOST_WORDS):
            words = words[words + more < len(text.starts)]
            words = words[text.rows[words] == text.rows[words + more]]
            starts, ends = text.starts[words], text.word_ends[words + more]
            sizes = np.minimum(ends - starts, len(lengths) - 1)
            fits = np.flatnonzero(lengths[sizes])
            starts, ends, words = starts[fits], ends[fits], words[sizes < len(lengths) - 1]
            wide = text.places[ends - 1] - text.places[starts] >= 2 * (ends - starts) + 8
            starts, ends = starts[~wide], ends[~wide]
            real = np.zeros(len(starts), dtype=bool)
            real[wholes.find(text.hashes(starts, ends))[0]] = True
            found += self._by_chance(self._near, text, starts[~real], ends[~real])
            if not len(words):
                break
        return found

    def tails(self, text: Squeezed) -> tuple[Counts, Counts, Counts, NDArray[np.float64]]:
        """Numbers that end as a real one does, or the other way round.

        Returns:
            The sort, the start and the end of each in the stream; and how many of each sort chance
            brings.
        """
        empty = np.zeros(0, np.int64)
        if not self._tail_lengths:
            return empty, empty, empty, np.zeros(self.sorts)
        starts, ends = _numbers(text)
        if not self._tail_sets:
            for whole, parts in self._tails.items():
                hashes, sorts = (np.concatenate(each) for each in zip(*parts, strict=True))
                self._tail_sets[whole] = HashSet(hashes), sorts
        sort = np.full(len(ends), -1)
        sets, of_end = self._tail_sets[False]
        hits, entries = sets.find(text.hashes(starts, ends))
        sort[hits] = of_end[entries]
        sets, of_whole = self._tail_sets[True]
        for size in self._tail_lengths:
            at = np.flatnonzero(ends - starts > size)
            hits, entries = sets.find(text.hashes(ends[at] - size, ends[at]))
            sort[at[hits]] = of_whole[entries]
        missed = sort < 0
        begins, stops = [starts[missed]], [ends[missed]]
        for size in self._tail_lengths:
            longer = ends[missed & (ends - starts > size)]
            begins.append(longer - size)
            stops.append(longer)
        others = np.concatenate(begins), np.concatenate(stops)
        known = ~missed
        expected = self._by_chance(self._near_ends, text, *others)
        return sort[known], starts[known], ends[known], expected

    def _by_chance(
        self, near: Sequence[_Near], text: Squeezed, begins: Counts, ends: Counts
    ) -> NDArray[np.float64]:
        one, other = (each.expected(self.sorts, text, begins, ends) for each in near)
        return np.maximum(one, other)


def _once(texts: Squeezed, begins: Counts, ends: Counts) -> tuple[Counts, Counts]:
    """Runs of the stream, equal ones once."""
    _, rows = np.unique(texts.hashes(begins, ends), return_index=True)
    return begins[rows], ends[rows]


def _numbers(text: Squeezed) -> tuple[Counts, Counts]:
    """Numbers of at least seven digits as a reader takes them: where they start and end.

    Seven digits in one piece are a number, whatever precedes them.
    """
    last = np.flatnonzero(text.kinds[text.starts] & CLASS == DIGIT)
    starts, ends = text.starts[last], text.word_ends[last]
    split = ends - starts < TAIL
    first = ends - TAIL
    kept = ~split | (first >= text.row_ends[text.rows[last]])
    digits = text.kinds & CLASS == DIGIT
    for back in range(1, TAIL + 1):  # no sign parts the seven
        at = np.flatnonzero(kept & split)
        inside = ends[at] - back
        kept[at] = digits[inside]
        if back < TAIL:
            kept[at] &= _between(text, inside, ~_APART)
    starts, ends, split = starts[kept], ends[kept], split[kept]
    begins = np.maximum(ends - _LONGEST, text.row_ends[text.row_of(ends - 1)])

    def goes_on(places: Counts) -> NDArray[np.bool_]:
        more: NDArray[np.bool_] = split & (places > begins)
        at = places[more]
        near = (text.places[at] - text.places[at - 1] <= _WIDEST + 1) & digits[at - 1]
        near[near] = _between(text, at[near], _PHONE_SIGNS)
        more[more] = near
        return more

    starts = np.maximum(leftwards(np.where(split, ends - TAIL, starts), goes_on), ends - _LONGEST)
    while (zero := (starts < ends - TAIL) & (text.codes[starts] == ord("0"))).any():
        starts = starts + zero
    return starts, ends


def _between(text: Squeezed, at: Counts, signs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all that stands before some places, after the letter or digit before, is of a sort.

    Args:
        text: The text.
        at: Places in the stream.
        signs: Which signs are of the sort; the last one stands for all beyond.
    """
    found = np.ones(len(at), dtype=bool)
    place, stop = text.places[at - 1] + 1, text.places[at]
    while len(which := np.flatnonzero(found & (place < stop))):
        found[which] = signs[np.minimum(text.raw[place[which]], len(signs) - 1)]
        place[which] += 1
    return found
