"""Texts in nearly the same letters, by MinHash and locality-sensitive hashing.

Each text becomes the set of its three-letter pieces. MinHash (Broder 1997, as `rensa` computes
it) makes a signature whose equal places estimate how much two sets share; signatures are cut
into bands, and texts that agree in a whole band are compared piece by piece (Leskovec et al.,
Mining of Massive Datasets, chapter 3). So what is found is truly that similar, and only a pair
that agrees in no band is missed: about one in a hundred at the bound, fewer above it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError

PIECE = 3
PLACES = 128
"""Places of a signature."""
MISSED = 0.01
"""Share of pairs at the bound that may go unseen."""
NEIGHBOURS = 2
"""Earlier texts that a text is compared with in one band, besides the band's first."""
_AT_ONCE = 1_000
_PAIRS_AT_ONCE = 50_000
_SEED = 20

Pairs = NDArray[np.int64]


def similar_letters(texts: pa.Array, similarity: float) -> Iterator[tuple[int, int, float]]:
    """Each of these distinct texts that is like an earlier one: (earlier, later, Jaccard index).

    Raises:
        PrerequisiteError: The extra `texts` is not installed.
    """
    bands, bytes_of = _signatures(texts, _rows_of_band(similarity))
    # Three standard errors below the bound, that no pair at the bound is left out by chance.
    least = similarity - 3 * np.sqrt(max(similarity * (1 - similarity), 0.01) / PLACES)
    is_open = np.ones(len(texts), dtype=bool)
    for band in range(bands.shape[1]):
        pairs = _together(bands[:, band])
        pairs = _alike(pairs[is_open[pairs[:, 1]]], bytes_of, least)
        pieces = _Pieces(texts, pairs)
        for first, second in pairs.tolist():
            if is_open[second]:
                score = pieces.jaccard(first, second)
                if score >= similarity:
                    is_open[second] = False
                    yield first, second, score


class _Pieces:
    """The three-letter pieces of those texts that are to be compared."""

    def __init__(self, texts: pa.Array, pairs: Pairs) -> None:
        rows = np.unique(pairs)
        self._texts = dict(zip(rows.tolist(), texts.take(rows).to_pylist(), strict=True))
        self._first, self._known = -1, set[str]()

    def jaccard(self, first: int, second: int) -> float:
        """How much of all pieces of two texts is in both."""
        if first != self._first:  # pairs come grouped by their first text
            self._first, self._known = first, self._pieces(first)
        mine = self._pieces(second)
        shared = len(mine & self._known)
        return shared / (len(mine) + len(self._known) - shared)

    def _pieces(self, row: int) -> set[str]:
        text = f" {self._texts[row]} "
        return {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}


def _rows_of_band(similarity: float) -> int:
    """The longest band with which at most `MISSED` of the pairs at the bound share none."""
    for rows in range(16, 1, -1):
        if (1 - similarity**rows) ** (PLACES // rows) <= MISSED:
            return rows
    return 1


def _signatures(texts: pa.Array, rows: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """A hash of each band, and a byte of each place, of each text's signature; a row a text."""
    try:
        from rensa import RMinHash
    except ImportError as exc:
        raise PrerequisiteError.for_extra("texts", needed_by="near-duplicates by MinHash") from exc
    count = PLACES // rows
    bands = np.empty((len(texts), count), dtype=np.uint32, order="F")
    bytes_of = np.empty((len(texts), PLACES), dtype=np.uint8)
    for start in range(0, len(texts), _AT_ONCE):
        hashes, offsets = _pieces(texts.slice(start, _AT_ONCE))
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, PLACES, _SEED)
        signatures = np.array(matrix.to_rows(), dtype=np.uint64)
        bytes_of[start : start + _AT_ONCE] = signatures & np.uint64(255)
        keys = np.zeros((len(signatures), count), dtype=np.uint64)
        for place in range(rows):
            keys = _mixed(keys ^ signatures[:, place : count * rows : rows])
        bands[start : start + _AT_ONCE] = keys >> np.uint64(32)
    return bands, bytes_of


def _alike(pairs: Pairs, bytes_of: NDArray[np.uint8], least: float) -> Pairs:
    """The pairs whose signatures agree in at least this share of their places."""
    kept = [
        chunk[(bytes_of[chunk[:, 0]] == bytes_of[chunk[:, 1]]).mean(axis=1) >= least]
        for chunk in np.array_split(pairs, len(pairs) // _PAIRS_AT_ONCE + 1)
    ]
    return np.concatenate(kept)


def _pieces(texts: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A hash of every piece of every text, one after the other, and where each text starts.

    Three code points of 21 bits fit into one number, so different pieces have different hashes.
    """
    words = [f" {text} " for text in texts.to_pylist()]
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    wide = letters.astype(np.uint64)
    ends = np.cumsum([len(word) for word in words])
    pieces = wide[:-2] | wide[1:-1] << np.uint64(21) | wide[2:] << np.uint64(42)
    inside = np.ones(len(pieces), dtype=bool)
    for back in (1, 2):  # pieces that reach into the next text
        inside[ends[:-1] - back] = False
    offsets = np.concatenate([[0], ends - 2 * np.arange(1, len(words) + 1)])
    return _mixed(pieces[inside]), offsets.astype(np.uint64)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers whose bits all depend on all bits (the end of SplitMix64)."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _together(keys: NDArray[np.uint32]) -> Pairs:
    """Pairs of texts with the same key, an earlier and a later one, sorted by the earlier.

    A text is paired with the first of its key and a few just before it, so that a key that
    everyone has costs no more than others.
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    place = np.arange(len(keys))
    starts = np.r_[True, ordered[1:] != ordered[:-1]][: len(keys)]
    first = np.maximum.accumulate(np.where(starts, place, 0)) if len(keys) else place
    found = []
    for back in range(1, NEIGHBOURS + 1):
        later = place[place - first >= back]
        found.append(np.column_stack([order[later - back], order[later]]))
    later = place[place - first > NEIGHBOURS]
    found.append(np.column_stack([order[first[later]], order[later]]))
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
