"""A set of runs of letters and digits that is searched in texts, however they are spaced there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fabula.privacy.squeezed import Counts, Hashes, Squeezed

MOST_WORDS = 8
"""Words that a run has at most where it is found."""

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
        self._firsts: list[Hashes] = []
        self._words = 1
        self._sets: tuple[HashSet, LikelyHashes] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._hashes))

    def add(self, texts: Squeezed, rows: Counts) -> None:
        """Add some rows as runs."""
        starts, ends = texts.row_ends[rows], texts.row_ends[rows + 1]
        whole = texts.hashes(starts, ends)
        first = np.searchsorted(texts.starts, starts)
        word_ends = texts.word_ends[first]
        self._hashes.append(whole)
        self._firsts += [texts.hashes(starts, word_ends), whole]
        words = np.searchsorted(texts.starts, ends) - first
        self._words = min(MOST_WORDS, max(self._words, int(words.max(initial=1))))
        self._sets = None

    def find(self, texts: Squeezed) -> tuple[Counts, Counts, Counts]:
        """Where the runs are: starts and lengths in the stream, and their numbers."""
        if self._sets is None:
            self._sets = (
                HashSet(_joined(self._hashes, np.uint64)),
                LikelyHashes(_joined(self._firsts, np.uint64)),
            )
        wholes, firsts = self._sets
        word_ends = texts.word_ends
        words = firsts.find(texts.word_hashes)
        found: list[tuple[Counts, Counts, Counts]] = []
        for size in range(1, self._words + 1):
            words = words[words + size <= len(texts.starts)]
            words = words[texts.rows[words] == texts.rows[words + size - 1]]
            if not len(words):
                break
            starts, ends = texts.starts[words], word_ends[words + size - 1]
            hits, numbers = wholes.find(texts.hashes(starts, ends))
            found.append((starts[hits], ends[hits] - starts[hits], numbers))
        return _joined([each[0] for each in found]), _joined([each[1] for each in found]), _joined(
            [each[2] for each in found])  # fmt: skip


def _joined(parts: Sequence[NDArray[Any]], kind: DTypeLike = np.int64) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *parts])
