"""New values in place of old ones in a text, every other byte as it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of

Places = NDArray[np.int64]


def pieces(text: bytes, starts: Places, ends: Places) -> pa.Array:
    """Parts of a text as an array of bytes.

    Args:
        text: The text.
        starts: Where each part starts, rising.
        ends: Where each ends, before the next one starts.
    """
    bounds = np.empty(2 * len(starts), np.int64)
    bounds[0::2], bounds[1::2] = starts, ends
    between = _array(text, np.append(bounds, bounds[-1:]) if len(bounds) else bounds)
    return between.take(array_of(np.arange(0, len(bounds), 2)))


def spliced(text: bytes, starts: Places, ends: Places, new: Sequence[pa.Array]) -> pa.Buffer:
    """The text with its parts replaced.

    Args:
        text: The text.
        starts: Where each part starts, rising: those of the first row, then those of the next.
        ends: Where each ends.
        new: For each part of a row, the new ones of all rows, as bytes.
    """
    rows, parts = len(new[0]), len(new)
    bounds = np.zeros(2 * rows * parts + 2, np.int64)
    bounds[1:-1:2], bounds[2:-1:2], bounds[-1] = starts, ends, len(text)
    old = _array(text, bounds)
    # Copied pieces have even places, and those of the new values follow all old ones.
    order = np.arange(2 * rows * parts + 1)
    for part in range(parts):
        order[2 * part + 1 :: 2 * parts] = len(old) + part * rows + np.arange(rows)
    taken = pa.concat_arrays([old, *(each.cast(pa.large_binary()) for each in new)]).take(
        array_of(order)
    )
    offsets = np.frombuffer(taken.buffers()[1], np.int64)[: len(taken) + 1]
    return taken.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _array(text: bytes, bounds: Places) -> pa.Array:
    """The pieces between some bounds, without a copy."""
    offsets = pa.py_buffer(np.ascontiguousarray(bounds).data)
    size = max(0, len(bounds) - 1)
    return pa.Array.from_buffers(pa.large_binary(), size, [None, offsets, pa.py_buffer(text)])
