"""All identifiers of a data set, so that a note about one person does not tell of another.

Whole values alone: a last name by itself may be anybody's. Values are kept as hashes of 8 bytes;
the texts that take their place stay as they are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.privacy.folding import CLASS, DIGIT
from fabula.privacy.notes.details import TAIL, digit_ends
from fabula.privacy.notes.needles import Hit, Writer, like, poured, texts_of
from fabula.privacy.notes.ordinary import is_ordinary
from fabula.privacy.run_index import HashSet, RunIndex
from fabula.privacy.squeezed import Counts, Hashes, Squeezed

_LEAST = {"name": 5, "email": 6, "username": 5, "street": 7, "phone": 7}
_LEAST_CODE = 6
_UNTOLD = ("first_name", "last_name", "city", "postcode", "company", "birth_date", "date",
           "coordinate", "coordinates")  # fmt: skip
"""Details that many people share."""


class Everyone:
    """The identifiers of all people of a data set, and what takes their place.

    Examples:
        >>> everyone = Everyone()
        >>> everyone.add("email", pa.array(["ann@shop.example"]), pa.array(["bo@mail.example"]))
        >>> len(everyone)
        1
    """

    def __init__(self) -> None:
        self._runs = RunIndex()
        self._news: list[pa.Array] = []
        self._kinds: list[tuple[str, int]] = []
        self._tails: list[Hashes] = []
        self._tail_news: list[pa.Array] = []
        self._tail_set: HashSet | None = None

    def __len__(self) -> int:
        return sum(map(len, self._news)) + sum(map(len, self._tail_news))

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
        if kind in _UNTOLD:
            return
        new = replacements.cast(pa.large_string())
        new = new.combine_chunks() if isinstance(new, pa.ChunkedArray) else new
        texts = [text or "" for text in texts_of(originals)]
        if kind == "phone":
            digits = Squeezed.of([re.sub(r"\D", "", text) for text in texts])
            ends = digits.row_ends[1:]
            long = np.diff(digits.row_ends) >= TAIL
            self._tails.append(digits.hashes(ends[long] - TAIL, ends[long]))
            self._tail_news.append(new.filter(pa.array(long)))
            self._tail_set = None
        else:
            self._add(kind, Squeezed.of(texts), new)
            if kind == "name":
                turned = (pc.replace_substring_regex(values, r"^(\S+)\s+(.+)$", r"\2, \1")
                          for values in (pa.array(texts, pa.large_string()), new))  # fmt: skip
                old, new = turned
                self._add(kind, Squeezed.of(old.to_pylist()), new)

    def _add(self, kind: str, old: Squeezed, new: pa.Array) -> None:
        whole = old.whole()
        kept = whole.lengths >= _LEAST.get(kind, _LEAST_CODE)
        kept &= ~is_ordinary(whole.hashes)
        if kind == "name":
            kept &= np.diff(np.searchsorted(old.starts, old.row_ends)) > 1
        self._runs.add(old, np.flatnonzero(kept))
        self._news.append(new.filter(pa.array(kept)))
        self._kinds.append((kind, int(kept.sum())))

    def find(self, notes: Squeezed) -> Iterator[tuple[str, Counts, Counts, Writer]]:
        """Where notes hold an identifier: its kind, start, length, and what is written."""
        starts, lengths, numbers = self._runs.find(notes)
        if len(starts):
            kinds = np.repeat(np.arange(len(self._kinds)), [n for _, n in self._kinds])[numbers]
            news = pa.chunked_array(self._news)
            for number in np.unique(kinds).tolist():
                mine = kinds == number
                kind, new = self._kinds[number][0], news.take(pa.array(numbers[mine])).to_pylist()
                yield kind, starts[mine], lengths[mine], _write(kind, new)
        yield from self._phones(notes)

    def _phones(self, notes: Squeezed) -> Iterator[tuple[str, Counts, Counts, Writer]]:
        if not self._tails:
            return
        if self._tail_set is None:
            self._tail_set = HashSet(np.concatenate(self._tails))
        ends = digit_ends(notes)
        hits, numbers = self._tail_set.find(notes.hashes(ends - TAIL, ends))
        ends = ends[hits]
        starts = np.array([_front(notes, end) for end in ends.tolist()], dtype=np.int64)
        news = pa.chunked_array(self._tail_news).take(pa.array(numbers)).to_pylist()
        yield "phone", starts, ends - starts, _write("phone", news)


def _front(notes: Squeezed, end: int) -> int:
    """Where the digits of a number start that ends at a place; 15 at most (ITU-T E.164)."""
    start = end - TAIL
    row_start = int(notes.row_ends[np.searchsorted(notes.row_ends, start, side="right") - 1])
    while not notes.bounds[start] or (
        start > row_start and notes.kinds[start - 1] & CLASS == DIGIT and end - start < 15
        and notes.places[start] - notes.places[start - 1] <= 3
    ):  # fmt: skip
        start -= 1
    return start


def _write(kind: str, news: Sequence[str | None]) -> Writer:
    """Write the new value of a hit; hits are numbered in the place of people."""

    def write(hit: Hit) -> str | None:
        value, span = news[hit.row], hit.text[hit.begin : hit.end]
        if value is None:
            return None
        if kind == "name" and " " not in span:
            value = value.replace(" ", (re.search(r"[\W_]", span) or [""])[0])
        if kind in ("name", "street", "email", "username"):
            return like(span, value)
        return poured(span, value)

    return write
