"""Random streams and shuffles that depend on names alone.

Every random number of a run comes from a stream keyed by (seed, table, column, block), so the
same spec, seed and version give the same bytes at any batch size, thread or machine count, and
adding a column changes no other column. A block is a fixed range of 65,536 rows.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 65_536
_MIX = tuple(
    np.array(number, dtype=np.uint64)
    for number in (30, 0xBF58476D1CE4E5B9, 27, 0x94D049BB133111EB, 31)
)
"""Rows in one block, the unit of generation."""


@lru_cache(maxsize=65_536)
def name_key(name: str) -> int:
    """A stable 64-bit number for a name (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def stream(
    seed: int, table: str, column: str, block: int, *, attempt: int = 0
) -> np.random.Generator:
    """The random stream of one block of one column.

    Args:
        seed: The run's seed.
        table: The table's name.
        column: The column's name, or any other name for a draw that is not a column.
        block: The block's number, from 0.
        attempt: Raised by one each time rows are drawn again to repair a check.
    """
    key = (seed % 2**64, name_key(table), name_key(column), block, attempt)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))


class Permutation:
    """A keyed bijection of 0 … n-1 that is evaluated anywhere without storing it.

    A four-round Feistel network over the smallest even-bit domain that holds n, with
    cycle walking (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
    """

    def __init__(self, n: int, seed: int, table: str, column: str) -> None:
        self.n = n
        half_bits = max(1, (max(n - 1, 1).bit_length() + 1) // 2)
        self._shift = np.uint64(half_bits)
        self._mask = np.uint64((1 << half_bits) - 1)
        sequence = np.random.SeedSequence((seed % 2**64, name_key(table), name_key(column), 2**32))
        self._round_keys = sequence.generate_state(4, np.uint64)

    def __call__(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """The images of `index` (any shape, values in 0 … n-1).

        Raises:
            IndexError: An index lies outside; walking its cycle might never end.
        """
        if index.size and (int(index.min()) < 0 or int(index.max()) >= self.n):
            raise IndexError(f"an index is not in 0 … {self.n - 1}")
        value = self._encrypt(index.astype(np.uint64))
        outside = value >= self.n
        while outside.any():
            value[outside] = self._encrypt(value[outside])
            outside = value >= self.n
        return value.astype(np.int64)

    def _encrypt(self, value: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = value >> self._shift, value & self._mask
        for key in self._round_keys:
            left, right = right, left ^ (mix(right + key) & self._mask)
        return (left << self._shift) | right


def mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The splitmix64 finaliser (Steele, Lea and Flood 2014): a hash of each 64-bit value."""
    first, second, third, fourth, fifth = _MIX
    shifted = value >> first
    mixed = value ^ shifted
    mixed *= second
    mixed ^= np.right_shift(mixed, third, shifted)
    mixed *= fourth
    mixed ^= np.right_shift(mixed, fifth, shifted)
    return mixed


def coprimes(n: int, count: int = 64) -> NDArray[np.int64]:
    """Up to `count` numbers below n that share no factor with n, spread over the range."""
    if n <= 2:
        return np.ones(1, dtype=np.int64)
    candidates = np.linspace(1, n - 1, num=min(count * 8, n - 1), dtype=np.int64)
    found = [int(step) for step in np.unique(candidates) if gcd(int(step), n) == 1]
    return np.array(found[:: max(1, len(found) // count)][:count], dtype=np.int64)
