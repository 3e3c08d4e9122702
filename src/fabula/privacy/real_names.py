"""Full names of real people, which no new person gets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.privacy.run_index import LikelyHashes
from fabula.privacy.squeezed import mixed

Places = NDArray[np.int64]


class NameWords:
    """The first and last names of word lists, and full names as pairs of them.

    Args:
        words: The names.
    """

    def __init__(self, words: set[str]) -> None:
        self._words = pa.array(sorted({word.lower() for word in words}), pa.large_string())
        self._type = np.min_scalar_type(len(self._words) ** 2)

    def places(self, names: pa.Array) -> Places:
        """The place of each name in the lists; -1 where they lack it."""
        found = pc.index_in(pc.utf8_lower(names.cast(pa.large_string())), value_set=self._words)
        return np.asarray(pc.fill_null(found, -1).cast(pa.int64()))

    def pairs(self, first: Places, last: Places) -> tuple[NDArray[np.unsignedinteger], Places]:
        """The pairs of known names, the same in either order, and the rows of them."""
        low, high = np.minimum(first, last), np.maximum(first, last)
        rows = np.flatnonzero(low >= 0)
        return (low[rows] * len(self._words) + high[rows]).astype(self._type), rows


@dataclass(frozen=True, eq=False)
class RealNames:
    """Full names of real people, as far as new ones can be the same.

    Attributes:
        words: The names of the lists of new people.
        pairs: Those that are one person's, rising.
    """

    words: NameWords
    pairs: NDArray[np.unsignedinteger]

    def holds(self, first: Places, last: Places) -> NDArray[np.bool_]:
        """Whether somebody has both names, given by their places in the lists, in either order."""
        held = np.zeros(len(first), bool)
        wanted, rows = self.words.pairs(first, last)
        likely = self._likely.find(mixed(wanted)) if len(self.pairs) else rows[:0]
        wanted, rows = wanted[likely], rows[likely]
        places = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        held[rows] = self.pairs[places] == wanted
        return held

    @cached_property
    def _likely(self) -> LikelyHashes:
        return LikelyHashes(mixed(self.pairs), spread=3)


class GatheredNames:
    """Full names of real people, gathered block by block.

    Args:
        words: The names of the lists of new people.
    """

    def __init__(self, words: NameWords) -> None:
        self._words = words
        self._known = [words.pairs(*np.zeros((2, 0), np.int64))[0]]
        self._new = 0

    def add(self, first: pa.Array, last: pa.Array) -> None:
        """Remember names that both lists have."""
        pairs = np.unique(self._words.pairs(*map(self._words.places, (first, last)))[0])
        self._known.append(pairs)
        self._new += len(pairs)
        if self._new > len(self._known[0]):  # so that few merges are enough
            self._merge()

    def found(self) -> RealNames:
        """The names so far."""
        self._merge()
        return RealNames(self._words, self._known[0])

    def _merge(self) -> None:
        self._known, self._new = [np.unique(np.concatenate(self._known))], 0
