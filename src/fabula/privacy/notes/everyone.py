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
from numpy.typing import NDArray

from fabula.privacy.folding import CLASS, DIGIT
from fabula.privacy.notes.needles import Hit, Writer, like, poured, texts_of
from fabula.privacy.notes.ordinary import is_ordinary
from fabula.privacy.squeezed import Counts, Hashes, Squeezed

_LEAST = {"name": 5, "email": 6, "username": 5, "street": 7, "phone": 7}
_LEAST_CODE = 6
_UNTOLD = ("first_name", "last_name", "city", "postcode", "company", "birth_date", "date",
           "coordinate", "coordinates")  # fmt: skip
"""Details that many people share."""

_MOST_WORDS = 8
_TAIL = 7
_BITS = 24


class HashSet:
    """Hashes, with a table of bits that answers most look-ups."""

    def __init__(self, hashes: Hashes) -> None:
        self.order = np.argsort(hashes, kind="stable")
        self._sorted = hashes[self.order]
        self._bits = np.zeros(1 << _BITS, dtype=bool)
        self._bits[self._sorted >> np.uint64(64 - _BITS)] = True

    def find(self, hashes: Hashes) -> tuple[Counts, Counts]:
        """Which of some hashes are known, and the place of the first that equals each."""
        likely = np.flatnonzero(self._bits[hashes >> np.uint64(64 - _BITS)])
        if not len(likely) or not len(self._sorted):
            return likely[:0], likely[:0]
        wanted = hashes[likely]
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        same = self._sorted[places] == wanted
        return likely[same], self.order[places[same]]


class Everyone:
    """The identifiers of all people of a data set, and what takes their place.

    Examples:
        >>> everyone = Everyone()
        >>> everyone.add("email", pa.array(["ann@shop.example"]), pa.array(["bo@mail.example"]))
        >>> len(everyone)
        1
    """

    def __init__(self) -> None:
        self._hashes: list[Hashes] = []
        self._firsts: list[Hashes] = []
        self._tails: list[Hashes] = []
        self._news: list[pa.Array] = []
        self._kinds: list[tuple[str, int]] = []
        self._tail_news: list[pa.Array] = []
        self._words = 1
        self._built: tuple[HashSet, HashSet, HashSet] | None = None

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
            long = np.diff(digits.row_ends) >= _TAIL
            self._tails.append(digits.hashes(ends[long] - _TAIL, ends[long]))
            self._tail_news.append(new.filter(pa.array(long)))
        else:
            self._add(kind, Squeezed.of(texts), new)
            if kind == "name":
                turned = (pc.replace_substring_regex(values, r"^(\S+)\s+(.+)$", r"\2, \1")
                          for values in (pa.array(texts, pa.large_string()), new))  # fmt: skip
                old, new = turned
                self._add(kind, Squeezed.of(old.to_pylist()), new)
        self._built = None

    def _add(self, kind: str, old: Squeezed, new: pa.Array) -> None:
        whole = old.whole()
        counts = np.diff(np.searchsorted(old.starts, old.row_ends))
        kept = whole.lengths >= _LEAST.get(kind, _LEAST_CODE)
        kept &= ~is_ordinary(whole.hashes)
        if kind == "name":
            kept &= counts > 1
        if not kept.any():
            return
        starts = old.row_ends[:-1][kept]
        ends = np.append(old.starts[1:], len(old.codes))[np.searchsorted(old.starts, starts)]
        self._hashes.append(whole.hashes[kept])
        self._firsts += [old.hashes(starts, ends), whole.hashes[kept]]
        self._news.append(new.filter(pa.array(kept)))
        self._kinds.append((kind, int(kept.sum())))
        self._words = min(_MOST_WORDS, max(self._words, int(counts[kept].max())))

    def _index(self) -> tuple[HashSet, HashSet, HashSet]:
        if self._built is None:
            self._built = tuple(  # type: ignore[assignment]
                HashSet(np.concatenate([np.zeros(0, np.uint64), *hashes]))
                for hashes in (self._hashes, self._firsts, self._tails)
            )
        assert self._built is not None
        return self._built

    def find(self, notes: Squeezed) -> Iterator[tuple[str, Counts, Counts, Writer]]:
        """Where notes hold an identifier: its kind, start, length, and what is written."""
        wholes, firsts, tails = self._index()
        word_ends = np.append(notes.starts[1:], len(notes.codes))
        words, _ = firsts.find(notes.hashes(notes.starts, word_ends))
        if self._news and len(words):
            news = pa.chunked_array(self._news)
            kinds = np.repeat(np.arange(len(self._kinds)), [n for _, n in self._kinds])
            for size in range(1, self._words + 1):
                last = words + size - 1
                words = words[last < len(notes.starts)]
                last = last[: len(words)]
                words = words[notes.rows[words] == notes.rows[last]]
                starts, ends = notes.starts[words], word_ends[words + size - 1]
                hit, place = wholes.find(notes.hashes(starts, ends))
                for number in np.unique(kinds[place]).tolist():
                    mine = kinds[place] == number
                    kind = self._kinds[number][0]
                    begins = starts[hit[mine]]
                    new = news.take(pa.array(place[mine])).to_pylist()
                    yield kind, begins, ends[hit[mine]] - begins, _write(kind, new)
        yield from self._phones(notes, word_ends, tails)

    def _phones(
        self, notes: Squeezed, word_ends: Counts, tails: HashSet
    ) -> Iterator[tuple[str, Counts, Counts, Writer]]:
        fits: NDArray[np.bool_] = word_ends - _TAIL >= notes.row_ends[notes.rows]
        fits[fits] = notes.kinds[word_ends[fits] - 1] & CLASS == DIGIT
        ends = word_ends[fits]
        hit, place = tails.find(notes.hashes(ends - _TAIL, ends))
        if not len(hit):
            return
        ends = ends[hit]
        starts = np.array([_front(notes, end) for end in ends.tolist()], dtype=np.int64)
        news = pa.chunked_array(self._tail_news).take(pa.array(place)).to_pylist()
        yield "phone", starts, ends - starts, _write("phone", news)


def _front(notes: Squeezed, end: int) -> int:
    """Where the digits of a number start that ends at a place; 15 at most (ITU-T E.164)."""
    start = end - _TAIL
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
