"""What is searched in notes: runs of letters and digits, and how each is replaced.

A needle finds its value whatever its case, spacing and punctuation, and writes the new value in
the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from typing_extensions import override

from fabula.privacy.folding import LOWER, UPPER, is_unseen
from fabula.privacy.squeezed import Counts, Runs, Squeezed

_JOINTS, _UNDERLINE = [ord(sign) for sign in "_.-"], ord("_")
"""What joins an initial to a name: `a_brown`."""

Column: TypeAlias = Sequence[str | None]


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


class Hit(NamedTuple):
    """One place in one note.

    Attributes:
        text: The note.
        begin: Where the place starts in it.
        end: Where it ends.
        row: The row of the person.
        cuts: Where each part but the last ends, and where the next one starts.
    """

    text: str
    begin: int
    end: int
    row: int
    cuts: Sequence[int]


def with_marks(text: str, end: int) -> int:
    """The end of a place, with the marks on its last letter."""
    while end < len(text) and not text[end].isascii() and is_unseen(text[end]):
        end += 1
    return end


def with_signs(text: str, begin: int, end: int) -> int:
    """The start of a phone number with the signs before its digits: `+49`, `(030) 12`."""
    while begin and (
        text[begin - 1] == "+"
        or (text[begin - 1] == "(" and text.count(")", begin, end) > text.count("(", begin, end))
    ):
        begin -= 1
    return begin


Writer: TypeAlias = Callable[[Hit], str | None]
"""What is written at a place; None if it is not a mention after all."""


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
    """

    kind: str
    runs: Runs
    write: Writer
    parts: Sequence[Counts] = ()
    weak: NDArray[np.bool_] | None = None
    initial: int = 0

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
        return words

    def cuts(self, notes: Squeezed, words: Counts) -> NDArray[np.int64]:
        """Where the parts end and the next ones start in their notes, shape (words, 2 × parts)."""
        rows = notes.rows[words]
        at, offset, found = notes.starts[words], notes.row_places[rows], []
        for part in self.parts:
            at = at + part[rows]
            found += [notes.places[at - 1] + 1 - offset, notes.places[at] - offset]
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


class Texts(Sequence[str | None]):
    """A column as texts of Python, which are made when the first one is asked for.

    Args:
        values: The column.
        change: What is done to it before.
    """

    def __init__(
        self,
        values: pa.Array | pa.ChunkedArray,
        change: Callable[[pa.Array], pa.Array] = lambda values: values,
    ) -> None:
        self._values, self._change = values, change

    @cached_property
    def _texts(self) -> list[str | None]:
        found: list[str | None] = self._change(self._values.cast(pa.large_string())).to_pylist()
        return found

    @override
    def __len__(self) -> int:
        return len(self._values)

    @override
    def __getitem__(self, row: int) -> str | None:  # type: ignore[override]
        return self._texts[row]


@lru_cache(maxsize=1 << 14)
def like(old: str, new: str) -> str:
    """The new word in the case of the old one.

    Examples:
        >>> like("BROWN", "Novak"), like("brown", "Novak"), like("Brown", "NOVAK")
        ('NOVAK', 'novak', 'Novak')
    """
    if old.isupper():
        return new.upper() if len(old) > 1 or len(new) == 1 else new
    if old.islower():
        return new.lower()
    return new.title() if new.isupper() and len(new) > 1 and old.istitle() else new


def written_whole(old: Column, new: Column) -> Writer:
    """Write the new value as one, in the case of the old."""

    def write(hit: Hit) -> str | None:
        value, span = new[hit.row], hit.text[hit.begin : hit.end]
        return value if value is None or span == old[hit.row] else like(span, value)

    return write


def written_parts(*news: Column) -> Writer:
    """Write new parts, and keep what is between them."""

    def write(hit: Hit) -> str | None:
        text, start, end, row, cuts = hit
        pieces: list[str] = []
        joined = False
        for new, stop, after in zip(news, (*cuts[::2], end), (*cuts[1::2], end), strict=True):
            value = new[row]
            if value is None:
                return None
            if after < end:
                last = stop if text.isascii() else with_marks(text, stop)
                joined = after == last
            else:
                last = stop
            pieces += (
                like(text[start:last], _joined(value) if joined else value),
                text[last:after],
            )
            start = after
        return "".join(pieces)

    return write


def _joined(name: str) -> str:
    """A name as a part of a user name."""
    return "".join(char for char in name if char.isalnum())


_AS_DIGITS = "oOlI"
"""Letters that people write for digits."""


def poured(old: str, new: str) -> str:
    """The letters and digits of a new value in the punctuation of the old one.

    A value of another length is written as it is; further digits at the front of the old one, as
    those of a country, stay.

    Examples:
        >>> poured("4242-4242", "12345678"), poured("AB 12", "xyz"), poured("0049 123", "+49789")
        ('1234-5678', 'xyz', '0049 789')
    """
    places = [at for at, char in enumerate(old) if char.isalnum()]
    signs = [char for char in new if char.isalnum()]
    numbers = all(map(str.isdigit, signs)) and all(
        old[at].isdigit() or old[at] in _AS_DIGITS for at in places
    )
    if len(places) != len(signs) and not numbers:
        return new
    chars = list(old)
    for at, sign in zip(reversed(places), reversed(signs), strict=False):
        chars[at] = sign.lower() if chars[at].islower() else sign
    return "".join(chars)


def written_poured(old: Column, new: Column) -> Writer:
    """Write the signs of the new value in the punctuation of the old one."""

    def write(hit: Hit) -> str | None:
        value, span = new[hit.row], hit.text[hit.begin : hit.end]
        return value if value is None or span == old[hit.row] else poured(span, value)

    return write


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
