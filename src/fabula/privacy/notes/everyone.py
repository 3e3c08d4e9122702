"""All identifiers of a data set, so that a note about one person does not tell of another.

Whole values: a last name by itself may be anyone's, and counts where no name may recur. Values
are kept as hashes of 8 bytes; the texts that take their place stay unchanged given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, whole_texts
from fabula.privacy.folding import CLASS, DIGIT, LEAST_EASTERN, are_eastern
from fabula.privacy.notes.details import (
    NAMES,
    TAIL,
    all_dialled,
    digit_ends,
    leftwards,
)
from fabula.privacy.notes.names import Names, person_names
from fabula.privacy.notes.needles import Mention
from fabula.privacy.notes.ordinary import is_ordinary
from fabula.privacy.notes.writers import (
    Hits,
    Writer,
    flags,
    has_other_case,
    like,
    only_where,
    poured,
    rewritten,
)
from fabula.privacy.run_index import HashSet, RunIndex
from fabula.privacy.squeezed import Counts, Hashes, Squeezed, runs_of

_LEAST = {"name": 5, "email": 6, "username": 5, "street": 7, "phone": 7}
_LEAST_CODE = 6
_SHORT = 2
_UNTOLD = ("first_name", "last_name", "city", "postcode", "company", "birth_date", "date",
           "coordinate", "coordinates")  # fmt: skip
"""Details that many people share."""

_PARTICLES = "van von der den del des dos das bin ibn abu dit les san mac the"
_IN_A_PATH = re.compile(r"[/\\_.@-]\Z"), re.compile(r"[/\\_@-]|\.\w")
"""What precedes or after a name in small letters: `photos/davolio.bmp`."""


class _News:
    """Columns of new texts, one after the other."""

    def __init__(self) -> None:
        self._parts: list[pa.Array] = []

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def append(self, texts: pa.Array) -> None:
        """Add a column."""
        self._parts.append(texts)

    def column(self, numbers: Counts) -> _Chosen:
        """Some of the texts."""
        if len(self._parts) != 1:
            self._parts = [pa.concat_arrays([pa.array([], pa.large_string()), *self._parts])]
        return _Chosen(self._parts[0], numbers)


class _Chosen(NamedTuple):
    """Some texts of more."""

    texts: pa.Array
    numbers: Counts

    def take(self, rows: Counts) -> pa.Array:
        """Texts by their place among those."""
        return self.texts.take(array_of(self.numbers[rows]))


class _Texts:
    """New texts by the hash of what they take the place of."""

    def __init__(self) -> None:
        self._hashes: list[Hashes] = []
        self._news = _News()
        self._set: HashSet | None = None

    def __len__(self) -> int:
        return len(self._news)

    def add(self, hashes: Hashes, news: pa.Array) -> None:
        """Add texts; of equal hashes the first one counts."""
        self._hashes.append(hashes)
        self._news.append(news)
        self._set = None

    def find(self, hashes: Hashes) -> tuple[Counts, _Chosen]:
        """Which of some hashes are known, and the new text of each."""
        if self._set is None:
            self._set = HashSet(np.concatenate([np.zeros(0, np.uint64), *self._hashes]))
        hits, numbers = self._set.find(hashes)
        return hits, self._news.column(numbers)


class Everyone:
    """The identifiers of all people of a data set, and what takes their place.

    Args:
        single_names: Whether a first or last name by itself counts, too.

    Examples:
        >>> everyone = Everyone()
        >>> everyone.add("email", pa.array(["ann@shop.example"]), pa.array(["bo@mail.example"]))
        >>> len(everyone)
        1
    """

    def __init__(self, *, single_names: bool = False) -> None:
        self._single_names = single_names
        self._singles = {"first_name": _Texts(), "last_name": _Texts()}
        self._tails = _Texts()
        self._runs = RunIndex()
        self._news = _News()
        self._kinds: list[tuple[str, int]] = []

    def __len__(self) -> int:
        return len(self._news) + len(self._tails)

    def add(
        self,
        kind: str,
        originals: pa.Array | pa.ChunkedArray,
        replacements: pa.Array | pa.ChunkedArray,
    ) -> None:
        """Add identifiers of a kind; kinds that many people share are passed over.

        Args:
            kind: A kind of personal detail.
            originals: The values; null where a row has none.
            replacements: What takes their place, a row each.
        """
        new = whole_texts(replacements)
        if self._single_names and kind in NAMES:
            for names in person_names([Mention(kind, originals, new)]):
                self._add_single(names)
        if kind in _UNTOLD:
            return
        old = whole_texts(originals)
        if kind == "phone":
            digits = Squeezed.of(all_dialled(old))
            ends = digits.row_ends[1:]
            long = np.diff(digits.row_ends) >= TAIL
            self._tails.add(
                digits.hashes(ends[long] - TAIL, ends[long]), new.filter(pa.array(long))
            )
            return
        self._add(kind, Squeezed.of(old), new)
        if kind == "name":
            turned = (pc.replace_substring_regex(values, r"^(\S+)\s+(.+)$", r"\2, \1")
                      for values in (old, new))  # fmt: skip
            old, new = turned
            self._add(kind, Squeezed.of(old), new)

    def _add(self, kind: str, old: Squeezed, new: pa.Array) -> None:
        whole = old.whole()
        least = np.full(len(whole.lengths), _LEAST.get(kind, _LEAST_CODE))
        if kind == "name":
            least[are_eastern(whole.first)] = LEAST_EASTERN - 1
        kept = whole.lengths >= least
        kept &= ~is_ordinary(whole.hashes)
        if kind == "name":
            kept &= old.word_counts > 1
        self._runs.add(old, np.flatnonzero(kept))
        self._news.append(new.filter(pa.array(kept)))
        self._kinds.append((kind, int(kept.sum())))

    def _add_single(self, names: Names) -> None:
        """Add the words of first or last names, each with the new name of the first who has it."""
        old = names.squeezed
        hashes, words = np.unique(old.word_hashes, return_index=True)
        known = (old.word_ends - old.starts)[words] > _SHORT
        known &= ~is_ordinary(hashes) & ~np.isin(hashes, runs_of(_PARTICLES.split()).hashes)
        new = names.new.take(pa.array(old.rows[words[known]]))
        self._singles[names.kind].add(hashes[known], new)

    def phones(self, tails: Sequence[str]) -> list[str | None]:
        """The new phone numbers for the last digits of old ones; None for those of nobody."""
        found: list[str | None] = [None] * len(tails)
        places, news = self._tails.find(runs_of(tails).hashes)
        for at, place in enumerate(places.tolist()):
            found[place] = news.take(np.array([at]))[0].as_py()
        return found

    def find(self, notes: Squeezed) -> Iterator[tuple[str, Counts, Counts, Writer]]:
        """Where notes hold an identifier: its kind, start, length, and what is written."""
        starts, lengths, numbers = self._runs.find(notes)
        short = np.flatnonzero(lengths < LEAST_EASTERN)
        if len(short):
            chance = short[~notes.are_apart(starts[short], lengths[short])]
            starts, lengths, numbers = (np.delete(x, chance) for x in (starts, lengths, numbers))
        if len(starts):
            ends = np.cumsum([count for _, count in self._kinds])
            kinds = np.searchsorted(ends, numbers, side="right")
            for number in np.unique(kinds).tolist():
                mine, kind = kinds == number, self._kinds[number][0]
                write = _write(kind, self._news.column(numbers[mine]))
                yield kind, starts[mine], lengths[mine], write
        yield from self._phones(notes)
        for kind, names in self._singles.items():
            words, news = names.find(notes.word_hashes)
            starts = notes.starts[words]
            yield kind, starts, notes.word_ends[words] - starts, _write_single(news)

    def _phones(self, notes: Squeezed) -> Iterator[tuple[str, Counts, Counts, Writer]]:
        ends = digit_ends(notes)
        hits, news = self._tails.find(notes.hashes(ends - TAIL, ends))
        ends = ends[hits]
        yield "phone", (starts := _fronts(notes, ends)), ends - starts, _write("phone", news)


def _fronts(notes: Squeezed, ends: Counts) -> Counts:
    """Where the digits of numbers start that end at places; 15 at most (ITU-T E.164)."""
    first = notes.row_ends[notes.row_of(ends - TAIL)]

    def goes_on(starts: Counts) -> NDArray[np.bool_]:
        before = np.maximum(starts - 1, 0)
        near = (notes.places[starts] - notes.places[before] <= 3) & (ends - starts < 15)
        digit: NDArray[np.bool_] = (starts > first) & (notes.kinds[before] & CLASS == DIGIT)
        return ~notes.bounds[starts] | (digit & near)

    return leftwards(ends - TAIL, goes_on)


def _write_single(news: _Chosen) -> Writer:
    """Write the new name; in small letters the old one counts within a path or a user name."""

    def is_name(text: str, begin: int, end: int) -> bool:
        around = text[max(0, begin - 1) : begin], text[end : end + 2]
        return not text[begin].islower() or any(map(re.Pattern.match, _IN_A_PATH, around))

    def write(hits: Hits) -> pa.Array:
        values = news.take(hits.rows)
        odd = has_other_case(hits.notes, hits.begins, hits.ends, values)
        return rewritten(hits.spans, values, odd, like)

    return only_where(write, lambda hits: hits.are(is_name))


def _write(kind: str, news: _Chosen) -> Writer:
    """Write the new value of a hit; hits are numbered in the place of people."""

    def spaced(span: str, value: str) -> str:
        if kind == "name" and " " not in span:
            value = value.replace(" ", (re.search(r"[\W_]", span) or [""])[0])
        return like(span, value)

    def write(hits: Hits) -> pa.Array:
        values = news.take(hits.rows)
        if kind in ("name", "street", "email", "username"):
            odd = has_other_case(hits.notes, hits.begins, hits.ends, values)
            if kind == "name":
                odd |= ~flags(pc.match_substring(hits.spans, " "))
            return rewritten(hits.spans, values, odd, spaced)
        if kind == "phone":
            values = all_dialled(values)
        return rewritten(hits.spans, values, np.ones(len(hits), bool), poured)

    return write
