"""The byte work behind every string column: whole strings out of dictionaries of parts.

Arrays are built from buffers: `pyarrow.array` would import pandas, if it is installed, for a
second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Phrase:
    """Strings made of one entry from each of several dictionaries.

    All parts are gathered by a single Arrow `take` over interleaved indices, which leaves the
    parts of a row side by side; every k-th offset then bounds a whole string. That is two to
    three times as fast as taking each part and joining them.
    """

    def __init__(self, *parts: Sequence[str]) -> None:
        self._words = string_array(word for part in parts for word in part)
        starts = np.cumsum([0, *map(len, parts)])
        self._starts = starts[:-1].astype(np.int32)

    def take(self, *indices: NDArray[np.integer]) -> pa.StringArray:
        """Join the entries at `indices`, an array for each part."""
        interleaved = np.empty((len(indices[0]), len(indices)), np.int32)
        for part, index in enumerate(indices):
            np.add(index, self._starts[part], out=interleaved[:, part], casting="unsafe")
        taken = self._words.take(number_array(interleaved.reshape(-1)))
        offsets, text = (buffer or pa.py_buffer(b"") for buffer in taken.buffers()[1:])
        bounds = np.frombuffer(memoryview(offsets), np.int32, len(taken) + 1)[:: len(indices)]
        return pa.StringArray.from_buffers(len(interleaved), _buffer(bounds), text)


class Template:
    """Strings such as `{street}, {locality}` out of a dictionary for each name in braces."""

    def __init__(self, text: str, words: Mapping[str, Sequence[str]]) -> None:
        # Splitting by `{name}` leaves literals at even places and names at odd ones; each literal
        # is baked into the entries after it, the last one into the entries before it.
        pieces = re.split(r"\{(\w+)\}", text)
        self.names = pieces[1::2]
        literals = pieces[0::2]
        ends = [""] * (len(self.names) - 1) + [literals[-1]]
        self._phrase = Phrase(
            *(
                [f"{before}{word}{after}" for word in words[name]]
                for before, name, after in zip(literals, self.names, ends, strict=False)
            )
        )

    def take(self, indices: Mapping[str, NDArray[np.integer]]) -> pa.StringArray:
        """Join the entries at `indices`, an array for each name."""
        return self._phrase.take(*(indices[name] for name in self.names))


def string_array(words: Iterable[str]) -> pa.StringArray:
    """A string array of a few words; for many, build bytes and offsets at once."""
    encoded = [word.encode() for word in words]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    return strings_from_bytes(offsets, np.frombuffer(b"".join(encoded), np.uint8))


def strings_from_bytes(offsets: NDArray[np.int32], text: NDArray[np.uint8]) -> pa.StringArray:
    """Hand UTF-8 bytes and the offsets of the strings in them to Arrow, without a copy."""
    return pa.StringArray.from_buffers(len(offsets) - 1, _buffer(offsets), _buffer(text))


def number_array(numbers: NDArray[np.int32] | NDArray[np.int64]) -> pa.Array[Any]:
    """Hand numbers to Arrow, without a copy."""
    kind = pa.int64() if numbers.dtype == np.int64 else pa.int32()
    return pa.Array.from_buffers(kind, len(numbers), [None, _buffer(numbers)])


def date_array(days: NDArray[np.int32]) -> pa.Array[Any]:
    """Days since 1970 as dates."""
    return pa.Array.from_buffers(pa.date32(), len(days), [None, _buffer(days)])


def _buffer(values: NDArray[Any]) -> pa.Buffer:
    return pa.py_buffer(np.ascontiguousarray(values).data)
