"""A set of runs of letters and digits that is searched in texts, however they are spaced there."""

from __future__ import annotations

import numpy as np

from fabula.privacy.squeezed import Counts, Hashes, Squeezed

MOST_WORDS = 8
"""Words that a run has at most where it is found."""

_BEGINNINGS = (1, 4, 6, 8)
"""Characters at the beginning of a run, as far as it has so many, that tell where it may be."""

_AT_FIRST = 4
"""Characters by which most words are passed over."""

_MOST_BITS = 29


class LikelyHashes:
    """A table of bits that tells which hashes are hardly among some.

    Args:
        hashes: The known ones.
        spread: By how many powers of two the table has more bits than entries.
    """

    def __init__(self, hashes: Hashes, spread: int = 5) -> None:
        size = min(_MOST_BITS, spread + len(hashes).bit_length())
        self._shift = np.uint64(64 - size)
        bits = np.zeros(1 << size, dtype=bool)
        bits[hashes >> self._shift] = True
        self._bits = np.packbits(bits, bitorder="little")

    def find(self, hashes: Hashes) -> Counts:
        """Which of some hashes are likely known."""
        places = hashes >> self._shift
        bits = self._bits[places >> np.uint64(3)] >> (places & np.uint64(7)).astype(np.uint8)
        return np.flatnonzero(bits & 1)


class HashSet:
    """Hashes, each with the place of the first that is equal."""

    def __init__(self, hashes: Hashes) -> None:
        order = np.argsort(hashes)
        known = hashes[order]
        starts = np.flatnonzero(np.append(True, known[1:] != known[:-1])[: len(known)])
        self._sorted = known[starts]
        self._first = np.minimum.reduceat(order, starts) if len(order) else order
        self._likely = LikelyHashes(self._sorted)

    def find(self, hashes: Hashes) -> tuple[Counts, Counts]:
        """Which of some hashes are known, and the place of the first that equals each."""
        likely = self._likely.find(hashes)
        if not len(likely) or not len(self._sorted):
            return likely[:0], likely[:0]
        wanted = hashes[likely]
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        same = self._sorted[places] == wanted
        return likely[same], self._first[places[same]]


class RunIndex:
    """Runs by hash, numbered in the order in which they were added."""

    def __init__(self) -> None:
        self._hashes: list[Hashes] = []
        self._at_first: list[Hashes] = []
        self._beginnings: dict[int, list[Hashes]] = {}
        self._words = 1
        self._sets: tuple[HashSet, LikelyHashes, dict[int, LikelyHashes]] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._hashes))

    def add(self, texts: Squeezed, rows: Counts) -> None:
        """Add some rows as runs."""
        starts, ends = texts.row_ends[rows], texts.row_ends[rows + 1]
        self._hashes.append(texts.hashes(starts, ends))
        sizes = np.array(_BEGINNINGS)[np.digitize(ends - starts, _BEGINNINGS[1:])]
        for size in np.unique(sizes).tolist():
            beginnings = texts.beginnings(size, starts[sizes == size])
            self._beginnings.setdefault(size, []).append(beginnings)
        self._at_first.append(texts.beginnings(_AT_FIRST, starts[sizes >= _AT_FIRST]))
        words = np.searchsorted(texts.starts, ends) - np.searchsorted(texts.starts, starts)
        self._words = min(MOST_WORDS, max(self._words, int(words.max(initial=1))))
        self._sets = None

    def likely(self, texts: Squeezed) -> Counts:
        """The words of a text at which a run of four characters or more may start."""
        return self._built()[1].find(texts.beginnings(_AT_FIRST, texts.starts))

    def find(self, texts: Squeezed, likely: Counts | None = None) -> tuple[Counts, Counts, Counts]:
        """Where the runs are: starts and lengths in the stream, and their numbers."""
        wholes, _, beginnings = self._built()
        found: list[tuple[Counts, Counts, Counts]] = []
        longest = len(texts.codes)
        some = self.likely(texts) if likely is None else likely
        for size, known in sorted(beginnings.items(), reverse=True):
            if size < _AT_FIRST:
                some = np.arange(len(texts.starts))
            words = some[known.find(texts.beginnings(size, texts.starts[some]))]
            for count in range(self._words):
                words = words[words + count < len(texts.starts)]
                if not len(words):
                    break
                starts, ends = texts.starts[words], texts.word_ends[words + count]
                fits = (texts.rows[words] == texts.rows[words + count]) & (ends - starts <= longest)
                words, starts, ends = words[fits], starts[fits], ends[fits]
                long = np.flatnonzero(ends - starts >= size)
                hits, numbers = wholes.find(texts.hashes(starts[long], ends[long]))
                hits = long[hits]
                found.append((starts[hits], ends[hits] - starts[hits], numbers))
            longest = size - 1
        empty = np.zeros(0, np.int64)
        columns = zip((empty, empty, empty), *found, strict=True)
        first, lengths, entries = map(np.concatenate, columns)
        return first, lengths, entries

    def _built(self) -> tuple[HashSet, LikelyHashes, dict[int, LikelyHashes]]:
        if self._sets is None:
            none = np.zeros(0, np.uint64)
            likely = {n: LikelyHashes(np.concatenate(h)) for n, h in self._beginnings.items()}
            first = LikelyHashes(np.concatenate([none, *self._at_first]))
            self._sets = HashSet(np.concatenate([none, *self._hashes])), first, likely
        return self._sets
