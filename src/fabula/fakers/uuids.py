"""Version-4 UUIDs as text.

122 of the 128 bits are random: among a billion drawn, the chance that any two agree is one in
ten quintillion, so uniqueness needs no bookkeeping.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fabula.fakers.joining import strings_from_bytes
from fabula.streams import BLOCK_ROWS

_WIDTH = 36
_STARTS = (0, 4, 9, 14, 19, 24, 28, 32)
"""Where each group of four hexadecimal digits begins."""
_DASHES = (8, 13, 18, 23)
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_HEX = np.stack(
    [_DIGITS[(np.arange(2**16) >> shift) & 15] for shift in (12, 8, 4, 0)], axis=1
).view(np.uint32)[:, 0]
"""The four digits of every 16-bit number, as one machine word."""


def draw_uuids(rng: np.random.Generator, n: int) -> pa.StringArray:
    """Draw `n` random UUIDs, such as `6f1c0a52-9c1b-4d6e-8a3f-2b7d5e9c0a41`."""
    sizes = [min(BLOCK_ROWS, n - start) for start in range(0, n, BLOCK_ROWS)] or [0]
    return pa.concat_arrays([_draw(rng, size) for size in sizes])


def _draw(rng: np.random.Generator, n: int) -> pa.StringArray:
    bits = rng.integers(0, 2**16, (n, len(_STARTS)), dtype=np.uint16)
    bits[:, 3] = (bits[:, 3] & 0x0FFF) | 0x4000
    bits[:, 4] = (bits[:, 4] & 0x3FFF) | 0x8000
    text = np.empty((n, _WIDTH), np.uint8)
    for group, start in enumerate(_STARTS):
        text[:, start : start + 4].view(np.uint32)[:, 0] = _HEX.take(bits[:, group])
    text[:, _DASHES] = ord("-")
    return strings_from_bytes(np.arange(n + 1, dtype=np.int32) * _WIDTH, text)
