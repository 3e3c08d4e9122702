"""Keeps invented values from meeting real ones, though no real value can be read back.

A model's file may not contain real values, and hashes of names are reversed with a list of names.
A sieve therefore keeps one bit a bucket, of so few buckets that the real values mark about half of
them. Half of all possible values fall into a marked bucket, and all of those are stopped. Whoever
tries a name on the file, or misses it in a large sample, raises its odds of being real at most
twofold. (A Bloom filter with one hash; Bloom 1970.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import composed
from fabula.streams import mix

_CHUNK = 65_536
_STEP = np.uint64(0x9E3779B97F4A7C15)
"""The odd constant of splitmix64, which spreads small numbers over 64 bits."""

_SIGNS = np.array([at >= 128 or chr(at).isalnum() for at in range(256)])
"""Bytes of UTF-8 that are part of a word."""


@dataclass(frozen=True, eq=False)
class Sieve:
    """The buckets of real values.

    Attributes:
        marked: One truth value a bucket.
        words: Whether values count as equal in any order of their words; else punctuation and
            spaces make no difference. Capitals never do.
    """

    marked: NDArray[np.bool_]
    words: bool

    @classmethod
    def of(cls, values: pa.Array, *, words: bool) -> Sieve:
        """The sieve of some different texts without nulls.

        Args:
            values: The texts.
            words: As the attribute.
        """
        marked = np.zeros(max(2, math.ceil(len(values) / math.log(2))), bool)
        for start in range(0, len(values), _CHUNK):
            marked[_buckets(values.slice(start, _CHUNK), len(marked), words)] = True
        return cls(marked, words)

    def stops(self, values: pa.Array) -> NDArray[np.bool_]:
        """Which of some texts are real ones, or fall into the bucket of one."""
        return np.asarray(self.marked[self.bucket(values, len(self.marked), words=self.words)])

    @staticmethod
    def bucket(values: pa.Array, count: int, *, words: bool = True) -> NDArray[np.int64]:
        """The bucket of each text, of `count`."""
        return _buckets(values, count, words)


def _buckets(values: pa.Array, count: int, words: bool) -> NDArray[np.int64]:
    """The bucket of each text: that of the sum of the hashes of its words, or of its signs."""
    lowered = composed(pc.utf8_lower(values.cast(pa.large_string())))
    _, offsets, data = lowered.buffers()
    ends = np.frombuffer(offsets, np.int64)[lowered.offset : lowered.offset + len(lowered) + 1]
    ends, first = ends - ends[0], int(ends[0])
    signs = np.frombuffer(data or b"", np.uint8)[first : first + int(ends[-1])]
    kept = _SIGNS[signs]
    starts = np.zeros(len(signs) + 1, bool)
    starts[ends[:-1]] = True
    if words:
        starts[1:] |= ~kept
    first_signs = np.flatnonzero(starts[:-1])
    before = np.cumsum(kept) - kept
    places = before - np.repeat(before[first_signs], np.diff(first_signs, append=len(signs)))
    hashes = mix((signs + np.uint64(256) * places.astype(np.uint64)) * _STEP) * kept
    of_words = mix(_between(hashes, np.append(first_signs, len(signs))))
    sums = _between(of_words, np.searchsorted(first_signs, ends))
    return (mix(sums + _STEP) % np.uint64(count)).astype(np.int64)


def _between(values: NDArray[np.uint64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Sums of consecutive values, modulo 2**64."""
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)])
    found: NDArray[np.uint64] = sums[ends[1:]] - sums[ends[:-1]]
    return found
