"""Hashes without a key: whoever has a list of e-mails or phone numbers finds them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.privacy.run_index import HashSet
from fabula.privacy.squeezed import Hashes

_METHODS = (hashlib.md5, hashlib.sha1, hashlib.sha256)
SHOWN = 12
"""Hexadecimal digits that are compared: some tools keep no more of a hash."""


class UnkeyedHashes:
    """The hashes of values, made when the first one is looked for.

    Args:
        values: The values of each sort.
    """

    def __init__(self, values: Sequence[pa.Array]) -> None:
        self._values = values
        self._known: tuple[HashSet, list[int]] | None = None

    def find(self, tokens: Sequence[bytes]) -> Iterator[tuple[int, int]]:
        """The place of each token that begins as a hash does, and the sort of the value."""
        if not tokens:
            return
        known, sorts = self._known = self._known or self._hashed()
        wanted = np.array([int(token[:SHOWN], 16) for token in tokens], dtype=np.uint64)
        for place, number in zip(*known.find(_spread(wanted)), strict=True):
            yield int(place), sorts[int(number)]

    def _hashed(self) -> tuple[HashSet, list[int]]:
        texts, sorts = [], []
        for sort, values in enumerate(self._values):
            forms = pc.unique(
                pa.concat_arrays([values, pc.utf8_lower(pc.utf8_trim_whitespace(values))])
            )
            texts += forms.cast(pa.large_binary()).to_pylist()
            sorts += [sort] * len(forms)
        made = (
            method(text, usedforsecurity=False).digest()[: SHOWN // 2]
            for method in _METHODS
            for text in texts
        )
        starts = np.frombuffer(b"\0\0".join([b"", *made]), dtype=">u8")
        return HashSet(_spread(starts.astype(np.uint64))), sorts * len(_METHODS)


def _spread(numbers: Hashes) -> Hashes:
    """Numbers of 48 bits in the upper bits, by which a `HashSet` looks up."""
    return numbers << np.uint64(64 - 4 * SHOWN)
