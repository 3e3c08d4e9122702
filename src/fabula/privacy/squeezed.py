"""A column of texts squeezed to its letters and digits, with a hash for every run of them.

`john_smith`, `John Smith`, `JOHN-SMITH` and `johnsmith` squeeze to the same run, so one comparison
finds a value however it is written. Hashes are polynomial (Karp and Rabin 1987) over random codes
of 64 bits: any run's hash follows from two prefix sums, and that of joined runs from their hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.privacy.files.splice import pieces
from fabula.privacy.folding import (
    ALONE,
    CLASS,
    DIGIT,
    LETTER,
    LOWER,
    UPPER,
    are_unseen,
    folded,
)

Hashes: TypeAlias = NDArray[np.uint64]
Counts: TypeAlias = NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15 | 1
BEGINNING = 4
"""Characters by which words are compared at first."""
_BITS = 20
_INVERSE = pow(_BASE, -1, 2**64)
_powers: dict[int, Hashes] = {}


def powers(count: int, base: int = _BASE) -> Hashes:
    """The first powers of the hash's base, modulo 2^64."""
    known = _powers.get(base)
    if known is None or len(known) < count:
        factors = np.full(max(count, 1 << 16), base, dtype=np.uint64)
        factors[0] = 1
        known = _powers[base] = np.multiply.accumulate(factors)
    return known[:count]


def codes_hash(codes: NDArray[np.unsignedinteger]) -> Hashes:
    """A random number for each code (SplitMix64)."""
    mixed = codes.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


_LAST_ASCII = 127
_LARGE_TEXT = pa.large_string()
_LARGE = partial(pa.scalar, type=_LARGE_TEXT)
_SMALL_HASHES = codes_hash(np.arange(0x3000, dtype=np.uint32))


@dataclass(frozen=True)
class Runs:
    """One run of letters and digits a row, known by hash.

    Attributes:
        hashes: Their hashes, shape (n,).
        lengths: Their lengths in characters; 0 where a row has none.
        first: The folded code of their first character.
    """

    hashes: Hashes
    lengths: Counts
    first: NDArray[np.unsignedinteger]

    def __add__(self, other: Runs) -> Runs:
        """The runs of both, one after the other, where a row has both."""
        both = (self.lengths > 0) & (other.lengths > 0)
        shift = powers(int(self.lengths.max(initial=0)) + 1)[self.lengths]
        return Runs(self.hashes + shift * other.hashes,
                    np.where(both, self.lengths + other.lengths, 0), self.first)  # fmt: skip

    def only(self, rows: NDArray[np.bool_]) -> Runs:
        """The runs of some rows; the others have none."""
        return Runs(self.hashes, np.where(rows, self.lengths, 0), self.first)

    def spread(self, rows: NDArray[np.bool_]) -> Runs:
        """The runs as those of some rows of more."""
        columns = []
        for each in (self.hashes, self.lengths, self.first):
            wide = np.zeros(len(rows), each.dtype)
            wide[rows] = each
            columns.append(wide)
        return Runs(*columns)

    def initial(self) -> Runs:
        """The first characters of the runs."""
        return Runs(_hash_of(self.first), np.minimum(self.lengths, 1), self.first)


@dataclass(frozen=True)
class Squeezed:
    """Texts as one stream of letters and digits.

    Attributes:
        codes: The folded letters and digits of all rows, shape (n,).
        places: Where each is in the texts joined by line breaks, in code points.
        kinds: Bits of what each is.
        starts: Where words start in the stream.
        bounds: Whether a word starts at a place of the stream, or the stream ends; shape (n + 1,).
        row_ends: Where each row starts in the stream; shape (rows + 1,).
        row_places: Where each row starts in the joined texts.
        raw: The code points of the joined texts.
    """

    codes: NDArray[np.unsignedinteger]
    places: Counts
    kinds: NDArray[np.uint8]
    starts: Counts
    bounds: NDArray[np.bool_]
    row_ends: Counts
    row_places: Counts
    raw: NDArray[np.unsignedinteger]

    @classmethod
    def of(cls, texts: Sequence[str] | pa.Array) -> Squeezed:
        """Squeeze texts; nulls are empty."""
        if not isinstance(texts, pa.Array):
            joined = "\n".join(texts)
            sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
            raw = code_points(joined)
        else:
            known = pc.fill_null(texts.cast(pa.large_string()), "")
            sizes = pc.utf8_length(known).to_numpy().astype(np.int64)
            lines = pc.binary_join_element_wise(known, *map(_LARGE, ("", "\n")))
            raw = np.frombuffer(lines.buffers()[2] or b"", dtype=np.uint8)
            if raw.max(initial=0) > _LAST_ASCII:
                raw = code_points(raw.tobytes().decode())
        return cls.of_codes(raw, np.concatenate([[0], np.cumsum(sizes + 1)]))

    @classmethod
    def of_codes(cls, raw: NDArray[np.unsignedinteger], row_places: Counts) -> Squeezed:
        """Squeeze code points; rows start at `row_places`, the last of which is the end plus 1."""
        codes, kinds = folded(raw)
        kept = None
        if not codes.all():
            kept = np.flatnonzero(codes)
            codes, kinds = codes[kept], kinds[kept]
        held = np.flatnonzero(kinds & CLASS)
        gaps = np.ones(len(held), dtype=bool)
        gaps[1:] = held[1:] != held[:-1] + 1
        codes, kinds = codes[held], kinds[held]
        places = held if kept is None else kept[held]
        row_ends = np.searchsorted(places, row_places)
        _read_lookalike_digits(codes, kinds, gaps, row_ends)
        classes = kinds & CLASS
        bounds = np.ones(len(held) + 1, dtype=bool)
        bounds[1:-1] = (
            gaps[1:]
            | (classes[1:] != classes[:-1])
            | (classes[1:] == ALONE)
            | ((kinds[1:] & UPPER > 0) & (kinds[:-1] & LOWER > 0))
        )
        starts = np.flatnonzero(bounds[:-1])
        return cls(codes, places, kinds, starts, bounds, row_ends, row_places, raw)

    @property
    def is_ascii(self) -> bool:
        """Whether all code points are of ASCII."""
        return self.raw.dtype == np.uint8

    @cached_property
    def text(self) -> str:
        """The joined texts."""
        data = self.raw.tobytes()
        return data.decode("ascii" if self.is_ascii else "utf-32-le", "surrogatepass")

    @cached_property
    def utf8(self) -> bytes:
        """The joined texts in UTF-8."""
        return self.raw.tobytes() if self.is_ascii else self.text.encode()

    def in_bytes(self, places: Counts) -> Counts:
        """Code points of the joined texts as places in `utf8`."""
        return places if self.is_ascii else self._byte_places[places]

    @cached_property
    def _byte_places(self) -> Counts:
        sizes = np.ones(len(self.raw), np.int64)
        for least in (0x80, 0x800, 0x10000):
            sizes += self.raw >= least
        return np.concatenate([[0], np.cumsum(sizes)])

    def slices(self, starts: Counts, ends: Counts) -> pa.Array:
        """Parts of the joined texts, between rising code points."""
        return pieces(self.utf8, self.in_bytes(starts), self.in_bytes(ends)).cast(_LARGE_TEXT)

    def row_text(self, row: int) -> str:
        """The text of a row."""
        return self.text[self.row_places[row] : self.row_places[row + 1] - 1]

    def with_marks(self, ends: Counts) -> Counts:
        """The ends of places, with the marks on their last letters."""
        if self.is_ascii:
            return ends
        raw = np.append(self.raw, np.uint32(0))
        while (further := are_unseen(raw[ends])).any():
            ends = ends + further
        return ends

    def cases(self, starts: Counts, ends: Counts) -> NDArray[np.uint8]:
        """The cases, `UPPER` and `LOWER`, of what stands between rising code points."""
        bounds = np.stack([starts, ends], axis=1).ravel()
        return np.bitwise_or.reduceat(self._cases, bounds)[::2] if len(bounds) else self._cases[:0]

    @cached_property
    def _cases(self) -> NDArray[np.uint8]:
        kinds = np.append(folded(self.raw)[1], np.uint8(0))
        return kinds & np.uint8(UPPER | LOWER)

    @cached_property
    def sums(self) -> Hashes:
        """Prefix sums of the hash, shape (n + 1,)."""
        found = np.zeros(len(self.codes) + 1, dtype=np.uint64)
        np.cumsum(_hash_of(self.codes) * powers(len(self.codes)), out=found[1:])
        return found

    @cached_property
    def gaps(self) -> Counts:
        """How many gaps, where a word ends and other signs follow, are before each place."""
        return np.cumsum(self.bounds[:-1] & (np.diff(self.places, prepend=-2) > 1))

    @cached_property
    def word_counts(self) -> Counts:
        """How many words each row has."""
        return np.diff(np.searchsorted(self.starts, self.row_ends))

    @cached_property
    def rows(self) -> Counts:
        """The row of each word."""
        return np.repeat(np.arange(len(self.word_counts)), self.word_counts)

    @cached_property
    def word_ends(self) -> Counts:
        """Where each word ends in the stream."""
        return np.append(self.starts[1:], len(self.codes))

    @cached_property
    def word_hashes(self) -> Hashes:
        """The hash of each word."""
        return self.hashes(self.starts, self.word_ends)

    def hashes(self, starts: Counts, ends: Counts) -> Hashes:
        """The hashes of runs of the stream."""
        shift = powers(len(self.codes) + 1, _INVERSE)[starts]
        return (self.sums[ends] - self.sums[starts]) * shift

    def whole(self) -> Runs:
        """Each row as one run."""
        starts, ends = self.row_ends[:-1], self.row_ends[1:]
        if not len(self.codes):
            empty = np.zeros(len(starts), dtype=np.int64)
            return Runs(empty.astype(np.uint64), empty, empty.astype(np.uint32))
        first = self.codes[np.minimum(starts, len(self.codes) - 1)]
        return Runs(self.hashes(starts, ends), ends - starts, first)

    @cached_property
    def _eights(self) -> Hashes:
        """The eight characters from each place of the stream on, a byte each, as one number."""
        low = self.codes
        if low.dtype != np.uint8:
            low = (low ^ (low >> 8) ^ (low >> 16)).astype(np.uint8)
        padded = np.append(low, np.zeros(8, np.uint8))
        return np.lib.stride_tricks.as_strided(padded[:8].view("<u8"), (len(low),), (1,))

    def beginnings(self, size: int, starts: Counts) -> Hashes:
        """A hash of up to eight characters from some places of the stream on."""
        mask = np.uint64((1 << 8 * size) - 1)
        return (self._eights[starts] & mask) * np.uint64(_BASE)

    @cached_property
    def _in_rows(self) -> Hashes:
        """How each word begins, and in which row."""
        begin = self.beginnings(BEGINNING, self.starts)
        return (begin ^ self.rows.astype(np.uint64)) * np.uint64(_BASE)

    def rows_like(self, others: Squeezed) -> NDArray[np.bool_]:
        """The rows with a word that begins as one of the same row of others does."""
        words = np.arange(len(self.starts))
        mine, theirs = self._in_rows, others._in_rows
        for shift in (64 - _BITS, 64 - 2 * _BITS):
            bits = np.uint64(shift), np.uint64((1 << _BITS) - 1)
            known = np.zeros(1 << _BITS, dtype=bool)
            known[(theirs >> bits[0]) & bits[1]] = True
            words = words[known[(mine[words] >> bits[0]) & bits[1]]]
        rows = np.zeros(len(self.row_ends) - 1, dtype=bool)
        rows[self.rows[words]] = True
        return rows

    def are_apart(self, starts: Counts, lengths: Counts) -> NDArray[np.bool_]:
        """Whether no letter or digit stands right before or after runs of the stream."""
        ends, last = starts + lengths, len(self.places) - 1
        before = self.with_marks(self.places[np.maximum(starts - 1, 0)] + 1)
        after = self.with_marks(self.places[ends - 1] + 1)
        apart: NDArray[np.bool_] = (starts == 0) | (before < self.places[starts])
        apart &= (ends > last) | (after < self.places[np.minimum(ends, last)])
        return apart

    def words_at(self, starts: Counts, ends: Counts) -> tuple[Counts, Counts]:
        """The first word of runs of the stream, and the one after their last."""
        return (
            np.searchsorted(self.starts, starts, side="right") - 1,
            np.searchsorted(self.starts, ends),
        )

    def rows_with(
        self, sign: str, least: int = 1, is_open: NDArray[np.bool_] | None = None
    ) -> Counts:
        """The rows whose text holds a sign, at least so many times, next to an open word."""
        at = np.flatnonzero(self.raw == ord(sign))
        if is_open is not None:
            after = np.searchsorted(self.starts, np.searchsorted(self.places, at), side="right")
            near = np.concatenate([[False], is_open, [False]])
            at = at[near[after] | near[after - 1]]
        at = np.searchsorted(self.row_places, at, side="right")
        return np.flatnonzero(np.bincount(at - 1, minlength=1) >= least)

    def row_of(self, places: Counts) -> Counts:
        """The row of each place of the stream."""
        return np.searchsorted(self.row_ends, places, side="right") - 1

    def row_codes(self, row: int) -> list[int]:
        """The codes of a row."""
        codes: list[int] = self.codes[self.row_ends[row] : self.row_ends[row + 1]].tolist()
        return codes

    def find(self, wanted: Runs, words: Counts) -> Counts:
        """The words of some at which their row's run starts, ending where a word ends.

        Args:
            wanted: A run a row.
            words: Places in `starts`; those whose first letter is another are passed over.
        """
        rows = self.rows[words]
        lengths = wanted.lengths[rows]
        starts = self.starts[words]
        ends = starts + lengths
        fits = (lengths > 0) & (ends <= self.row_ends[rows + 1])
        fits[fits] = self.bounds[ends[fits]]
        words, starts, ends, rows = words[fits], starts[fits], ends[fits], rows[fits]
        found: Counts = words[self.hashes(starts, ends) == wanted.hashes[rows]]
        return found


def code_points(text: str) -> NDArray[np.unsignedinteger]:
    """The code points of a text, in bytes where it is ASCII."""
    kind = np.uint8 if text.isascii() else np.uint32
    coding = "ascii" if text.isascii() else "utf-32-le"
    return np.frombuffer(text.encode(coding, "surrogatepass"), dtype=kind)


def runs_of(texts: Iterable[str | None]) -> Runs:
    """Each text as one run; None has none."""
    return Squeezed.of([text or "" for text in texts]).whole()


def _hash_of(codes: NDArray[np.unsignedinteger]) -> Hashes:
    small = codes.dtype == np.uint8 or int(codes.max(initial=0)) < len(_SMALL_HASHES)
    hashes: Hashes = _SMALL_HASHES[codes] if small else codes_hash(codes)
    return hashes


def _read_lookalike_digits(
    codes: NDArray[np.unsignedinteger],
    kinds: NDArray[np.uint8],
    gaps: NDArray[np.bool_],
    row_ends: Counts,
) -> None:
    """Read O as 0, and l and I as 1, between digits of a row; 0 as O within a word."""
    if len(codes) < 3:
        return
    middle = codes[1:-1]
    signs = (middle == ord("o")) | (middle == ord("l")) | (middle == ord("i"))
    digits = kinds & CLASS == DIGIT
    at = np.flatnonzero(signs & digits[:-2] & digits[2:]) + 1
    rows = np.searchsorted(row_ends, at, side="right")
    at = at[(row_ends[rows - 1] < at) & (row_ends[rows] > at + 1)]
    codes[at] = np.where(codes[at] == ord("o"), ord("0"), ord("1"))
    kinds[at] = kinds[at] & ~np.uint8(CLASS | UPPER | LOWER) | DIGIT
    at = np.flatnonzero(middle == ord("0")) + 1
    joined = ~gaps[at] & ~gaps[at + 1]
    at = at[joined & (kinds[at - 1] & CLASS == LETTER) & (kinds[at + 1] & CLASS == LETTER)]
    codes[at] = ord("o")
    kinds[at] = kinds[at] & ~np.uint8(CLASS) | LETTER
