"""Quick looks at the bytes of texts, before regular expressions look at the few that matter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def has_bytes(texts: pa.Array, signs: bytes) -> bool:
    """Whether any of some ASCII signs is in any of the texts."""
    data, _ = _content(texts)
    return bool(_among(signs)[data].any())


def begin_with(texts: pa.Array, *signs: bytes) -> NDArray[np.bool_]:
    """Which texts begin with one of some ASCII signs, continue with one of the next, and so on.

    Texts that end before, null ones, and signs beyond ASCII are among them, too.
    """
    data, offsets = _content(texts)
    found = np.ones(len(texts), bool)
    for at, some in enumerate(signs):
        wanted, places = _among(some), offsets[:-1] + at
        wanted[128:] = True
        rows = found & (places < offsets[1:])
        found[rows] = wanted[data[places[rows]]]
    return found


def end_with(texts: pa.Array, *signs: bytes) -> NDArray[np.bool_]:
    """Which texts end with one of each of some ASCII signs, the last ones last; as `begin_with`."""
    data, offsets = _content(texts)
    found = np.ones(len(texts), bool)
    for back, some in enumerate(reversed(signs), 1):
        wanted, places = _among(some), offsets[1:] - back
        wanted[128:] = True
        rows = found & (places >= offsets[:-1])
        found[rows] = wanted[data[places[rows]]]
    return found


def _among(signs: bytes) -> NDArray[np.bool_]:
    table = np.zeros(256, bool)
    table[list(signs)] = True
    return table


def _content(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of large strings, and where each begins and ends among them."""
    _, bounds, content = texts.buffers()
    offsets = np.frombuffer(bounds, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(content or b"", np.uint8)[offsets[0] : offsets[-1]]
    return data, offsets - offsets[0]
