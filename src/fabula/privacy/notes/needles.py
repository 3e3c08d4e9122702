"""What is searched in notes: runs of letters and digits, and how each is replaced.

A needle finds its value whatever its case, spacing and punctuation, and writes the new value in
the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.privacy.folding import LOWER, UPPER
from fabula.privacy.notes.writers import Column, Texts, Writer
from fabula.privacy.squeezed import Counts, Runs, Squeezed

_JOINTS, _UNDERLINE = [ord(sign) for sign in "_.-"], ord("_")
"""What joins an initial to a name: `a_brown`."""


@dataclass(frozen=True)
class Mention:
    """A detail of the person of each row, as it was and as it will be.

    Attributes:
        kind: A kind of personal detail, such as `first_name`, `email` or `birth_date`.
        original: The original values as texts, one per row; null where a row has none.
        replacement: The values that take their place.
    """

    kind: str
    original: pa.Array | pa.ChunkedArray
    replacement: pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class Needle:
    """One way of mentioning the person of a row.

    Attributes:
        kind: The kind of detail.
        runs: What is searched, a run a row.
        write: What is written at a place.
        parts: How long the parts of the run are, all but the last, a row.
        weak: The rows whose run is an ordinary word, too: found in capitals only.
        initial: Where the run has an initial, at its start (-1) or its end (1): one that stands
            alone must be a capital.
        gaps: How many gaps a mention of each row may have, unless each sign stands alone; any
            number where nothing is said: `I am and a` does not mean Amanda.
    """

    kind: str
    runs: Runs
    write: Writer
    parts: Sequence[Counts] = ()
    weak: NDArray[np.bool_] | None = None
    initial: int = 0
    gaps: Counts | None = None

    def words(self, notes: Squeezed, by_first: FirstLetters) -> Counts:
        """The words of the notes at which the needle is found."""
        if not self.runs.lengths.any():
            return np.zeros(0, dtype=np.int64)
        words = notes.find(self.runs, by_first.words(self.runs))
        if self.weak is not None and len(words):
            small = notes.kinds[notes.starts[words] + (self.initial < 0)] & LOWER > 0
            if self.initial < 0:
                inner = notes.starts[words] + 1
                small &= notes.bounds[inner] & (notes.raw[notes.places[inner] - 1] != _UNDERLINE)
            words = words[~(small & self.weak[notes.rows[words]])]
        if self.initial and len(words):
            ends = notes.starts[words] + self.runs.lengths[notes.rows[words]]
            at = notes.starts[words] if self.initial < 0 else ends - 1
            inner = at + 1 if self.initial < 0 else at
            joined = ~notes.bounds[inner] | np.isin(notes.raw[notes.places[inner] - 1], _JOINTS)
            words = words[joined | (notes.kinds[at] & UPPER > 0)]
        if self.gaps is not None and len(words):
            starts, rows = notes.starts[words], notes.rows[words]
            lengths = self.runs.lengths[rows]
            gaps = notes.gaps[starts + lengths - 1] - notes.gaps[starts]
            words = words[(gaps <= self.gaps[rows]) | (gaps == lengths - 1)]
        return words

    def cuts(self, notes: Squeezed, words: Counts) -> NDArray[np.int64]:
        """Where parts end and the next ones start in the joined notes, shape (words, 2 × parts)."""
        rows = notes.rows[words]
        at, found = notes.starts[words], []
        for part in self.parts:
            at = at + part[rows]
            found += [notes.places[at - 1] + 1, notes.places[at]]
        return np.stack(found, axis=1) if found else np.zeros((len(words), 0), dtype=np.int64)


class FirstLetters:
    """The words of notes by their first letter, so that most are never looked at."""

    def __init__(self, notes: Squeezed) -> None:
        self._letters = notes.codes[notes.starts]
        self._rows = notes.rows
        self._known: dict[int, tuple[object, Counts]] = {}

    def words(self, runs: Runs) -> Counts:
        """The words with the first letter of their row's run."""
        known = self._known.get(id(runs.first))
        if known is None:
            words = np.flatnonzero(runs.first[self._rows] == self._letters)
            known = self._known[id(runs.first)] = (runs.first, words)
        return known[1]


def whole_needle(
    mention: Mention,
    write: Callable[[Column, Column], Writer],
    least: int,
    change: Callable[[pa.Array], pa.Array] = lambda values: values,
) -> Needle:
    """The needle of a value, or of what is left of it, with at least some letters or digits."""
    known = mention.original.is_valid().to_numpy(zero_copy_only=False)
    runs = Squeezed.of(change(mention.original.drop_null())).whole().spread(known)
    old, new = Texts(mention.original, change), Texts(mention.replacement, change)
    return Needle(mention.kind, runs.only(runs.lengths >= least), write(old, new))


def is_one_edit(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether a letter was left out, added, exchanged, or swapped with its neighbour."""
    if len(one) > len(other):
        one, other = other, one
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    if one[at + 1 :] == other[at + 1 :]:
        return True
    swapped = [*one[:at], *one[at : at + 2][::-1], *one[at + 2 :]]
    return swapped == list(other)
