"""Full names and user names of real people, which no new person gets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.privacy.squeezed import Squeezed

Places = NDArray[np.int64]


class RealNames:
    """Full names of real people, as far as new ones can be the same: a bit for each pair of names.

    Memory depends on the word lists alone: 2 MB for those of English.

    Args:
        words: The first and last names that new people can have.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = pa.array(sorted({word.lower() for word in words}), pa.large_string())
        self._bits = np.zeros(len(self._words) ** 2 // 8 + 1, np.uint8)
        self._accounts = np.zeros(0, np.uint64)

    def places(self, names: pa.Array) -> Places:
        """The place of each name in the lists; -1 where they lack it."""
        found = pc.index_in(pc.utf8_lower(names.cast(pa.large_string())), value_set=self._words)
        return np.asarray(pc.fill_null(found, -1).cast(pa.int64()))

    def add(self, first: pa.Array, last: pa.Array) -> None:
        """Remember the names of people, one a row."""
        _, bytes_, bits = self._pairs(self.places(first), self.places(last))
        np.bitwise_or.at(self._bits, bytes_, bits)

    def holds(self, first: Places, last: Places) -> NDArray[np.bool_]:
        """Whether somebody has both names, given by their places, in either order."""
        known, bytes_, bits = self._pairs(first, last)
        held = np.zeros(len(first), bool)
        held[known] = self._bits[bytes_] & bits > 0
        return held

    def add_accounts(self, texts: pa.Array) -> None:
        """Remember user names, and those of e-mails; none is null."""
        users = pc.replace_substring_regex(texts.cast(pa.large_string()), "(?s)@.*", "")
        self._accounts = np.union1d(self._accounts, Squeezed.of(users).whole().hashes)

    def hold_accounts(self, users: pa.Array) -> NDArray[np.bool_]:
        """Whether somebody has these user names, their numbers aside."""
        plain = pc.replace_substring_regex(users.cast(pa.large_string()), r"\d+$", "")
        return np.isin(Squeezed.of(plain).whole().hashes, self._accounts)

    def _pairs(
        self, first: Places, last: Places
    ) -> tuple[NDArray[np.bool_], Places, NDArray[np.uint8]]:
        """Which rows have two known names, and the byte and the bit of each pair."""
        low, high = np.minimum(first, last), np.maximum(first, last)
        known = low >= 0
        pairs = low[known] * len(self._words) + high[known]
        return known, pairs >> 3, np.uint8(1) << (pairs & 7).astype(np.uint8)
