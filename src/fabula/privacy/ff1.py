"""Format-preserving encryption of whole arrays: FF1 of NIST SP 800-38G.

A number of a domain becomes another number of it, and no two become the same, so unique values
stay unique without a table of what was given out. Numbers consist of two halves, and the halves
need not have one alphabet: the ten rounds then work modulo the size of each half, as in FFX
(Bellare, Rogaway and Spies 2010). FF3-1 is left out, since NIST withdrew it in 2025.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError

SMALLEST = 1_000_000
"""The smallest domain that NIST allows."""

LARGEST_HALF = 2**56
"""A half whose sums with a byte's shift fit into 64 bits."""

_ROUNDS = 10
_BLOCK = 16
_AT_ONCE = 8_192
"""Numbers whose blocks fit into the caches of a processor."""

Numbers = NDArray[np.uint64]


class FF1:
    """The cipher of one key and one tweak.

    Args:
        key: 16, 24 or 32 bytes.
        tweak: What the numbers are of; another tweak gives another permutation.

    Raises:
        PrerequisiteError: The extra `mask` is not installed.
    """

    def __init__(self, key: bytes, tweak: bytes = b"") -> None:
        self._encrypt = _cipher(key)
        self._tweak = tweak

    def encrypt(
        self, left: Numbers, right: Numbers, sizes: tuple[int, int], *, radix: int = 0, signs: int
    ) -> tuple[Numbers, Numbers]:
        """Encrypt numbers, given as the values of their left and right halves.

        Args:
            left: Numbers below the first size.
            right: Numbers below the second size.
            sizes: How many values each half has, at most `LARGEST_HALF`.
            radix: The size of the alphabet that all signs share; 0 where they share none.
            signs: How many signs both halves have.

        Raises:
            ValueError: The domain is smaller than `SMALLEST`, or a half is too large.
        """
        if sizes[0] * sizes[1] < SMALLEST or max(sizes) > LARGEST_HALF:
            raise ValueError(f"FF1 has no domain of {sizes[0]} x {sizes[1]} values")
        if not len(left):
            return left, right
        width = ((max(sizes[1], 2) - 1).bit_length() + 7) // 8
        if not radix:  # the left half may be the wider one
            width = ((max(sizes) - 1).bit_length() + 7) // 8
        head = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([_ROUNDS, signs // 2 % 256])
        head += signs.to_bytes(4, "big") + len(self._tweak).to_bytes(4, "big")
        state, rest = self._start(head, width)
        parts = [
            self._rounds(
                left[at : at + _AT_ONCE], right[at : at + _AT_ONCE], sizes, state ^ rest, width
            )
            for at in range(0, len(left), _AT_ONCE)
        ]
        lefts, rights = zip(*parts, strict=True)
        return np.concatenate(lefts), np.concatenate(rights)

    def _rounds(
        self,
        left: Numbers,
        right: Numbers,
        sizes: tuple[int, int],
        last: NDArray[np.uint8],
        width: int,
    ) -> tuple[Numbers, Numbers]:
        """Ten rounds over some numbers.

        Args:
            left: The left halves.
            right: The right halves.
            sizes: As for `encrypt`.
            last: The last block of CBC-MAC without the round and the number.
            width: Bytes of a number.
        """
        blocks = np.empty((len(left), 2), ">u8")
        blocks[:, 0], tail = last.view(">u8")
        for turn in range(_ROUNDS):
            blocks[:, 1] = right ^ (tail ^ np.uint64(turn << 8 * width))
            drawn = np.frombuffer(self._encrypt(blocks.view(np.uint8).data), np.uint8).reshape(
                -1, _BLOCK
            )
            size = np.uint64(sizes[turn % 2])
            moved = left + _remainder(drawn[:, : 4 * -(-width // 4) + 4], sizes[turn % 2])
            left, right = right, np.minimum(moved, moved - size)  # too small ones wrap around
        return left, right

    def _start(self, head: bytes, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The state of CBC-MAC before the last block, and that block without its number."""
        padding = bytes((-len(self._tweak) - width - 1) % _BLOCK)
        text = head + self._tweak + padding + bytes(1 + width)
        state = bytes(_BLOCK)
        for at in range(0, len(text) - _BLOCK, _BLOCK):
            mixed = bytes(a ^ b for a, b in zip(state, text[at : at + _BLOCK], strict=True))
            state = self._encrypt(mixed)
        return np.frombuffer(state, np.uint8), np.frombuffer(text[-_BLOCK:], np.uint8)


def _remainder(drawn: NDArray[np.uint8], size: int) -> Numbers:
    """Big-endian numbers of up to twelve bytes modulo a size."""
    if drawn.shape[1] == 8:
        whole = np.ascontiguousarray(drawn).view(">u8").reshape(-1).astype(np.uint64)
        return divided(whole, size)[1]
    if size <= 2**32:
        step, words = 32, np.ascontiguousarray(drawn).view(">u4")
    elif size <= 2**48:
        step, words = 16, np.ascontiguousarray(drawn).view(">u2")
    else:
        step, words = 8, drawn
    modulus, shift = np.uint64(size), np.uint64(step)
    found = np.zeros(len(drawn), np.uint64)
    for at in range(words.shape[1]):
        found = ((found << shift) | words[:, at].astype(np.uint64)) % modulus
    return found


def divided(numbers: Numbers, size: int) -> tuple[Numbers, Numbers]:
    """Quotients and remainders; several times as fast as `divmod`, which numpy has no SIMD for."""
    whole = numbers // np.uint64(size)
    return whole, numbers - whole * np.uint64(size)


def _cipher(key: bytes) -> Callable[[bytes | memoryview], bytes]:
    """AES of single blocks, side by side."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as exc:
        raise PrerequisiteError.for_extra("mask", needed_by="encrypting codes") from exc
    # Blocks are inputs of a pseudorandom function here, so that ECB is what SP 800-38G asks for.
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    return lambda blocks: cipher.encryptor().update(blocks)
