"""What the bytes of an array claim, checked against the bytes before anything believes them."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable
from tokenize import TokenError
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MOST_UNPACKED = 1 << 30
"""Bytes of an archive's members together, unpacked; a model has a hundredth of it."""
MOST_MEMBERS = 100_000
_MOST_HEADER = 10_000


def read_members(archive: zipfile.ZipFile, names: Iterable[str] | None = None) -> dict[str, bytes]:
    """The members of an archive by name.

    Raises:
        ValueError: Unpacked, they have more bytes than any model.
    """
    found = archive.infolist()
    if len(found) > MOST_MEMBERS or sum(item.file_size for item in found) > MOST_UNPACKED:
        raise ValueError(f"unpacked it has more than {MOST_UNPACKED >> 20} MiB")
    wanted = {item.filename for item in found} if names is None else set(names)
    return {item.filename: archive.read(item) for item in found if item.filename in wanted}


def read_array(data: bytes) -> NDArray[Any]:
    """The array of a `.npy` file: numbers or text, with exactly the bytes that its shape needs.

    Raises:
        ValueError: The header is none, or claims another size.
    """
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array in a later format")
    try:
        shape, by_columns, kind = np.lib.format.read_array_header_1_0(stream, _MOST_HEADER)
    except (SyntaxError, TypeError, TokenError, RecursionError, MemoryError) as exc:
        raise ValueError("an array without a readable header") from exc
    size = len(data) - stream.tell()
    fits = all(side >= 0 for side in shape) and math.prod(shape) * kind.itemsize == size
    if kind.kind not in "biufUS" or kind.itemsize == 0 or not fits:
        raise ValueError(f"an array of {shape} × {kind} in {size} bytes")
    order: Literal["C", "F"] = "F" if by_columns else "C"
    flat: NDArray[Any] = np.frombuffer(bytearray(data[stream.tell() :]), kind)
    return flat.reshape(shape, order=order)


def read_arrow(source: pa.Buffer | pa.NativeFile) -> pa.Table:
    """The table of an Arrow file, with every offset and length checked.

    Raises:
        ValueError: It is damaged; Arrow's own errors are such errors too.
        OSError: It is damaged.
    """
    table = pa.ipc.open_file(source).read_all()
    table.validate(full=True)
    return table
