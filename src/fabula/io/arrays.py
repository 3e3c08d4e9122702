"""Numpy arrays handed to Arrow as they are.

`pa.array` and `pa.table` load pandas wherever it is installed, a third of a second that a small
job would notice, so the paths that every run takes build arrays from buffers.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_TYPES: dict[str, pa.DataType] = {
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
}
_WIDTHS: dict[pa.DataType, str] = {
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.timestamp("us"): "int64",
    pa.date32(): "int32",
}


def array_of(
    values: NDArray[Any],
    kind: pa.DataType | None = None,
    *,
    missing: NDArray[np.bool_] | None = None,
) -> pa.Array:
    """Numbers (or truth values) as an Arrow array, without a copy.

    Args:
        values: One value per row: bool, int32, int64 or float64.
        kind: The Arrow type, if it is another one of the same width (times, dates).
        missing: Rows that are null.
    """
    known = None if missing is None or not missing.any() else _bits(~missing)
    if values.dtype == np.bool_:
        return pa.Array.from_buffers(pa.bool_(), len(values), [known, _bits(values)])
    if values.dtype.name not in _TYPES:
        values = values.astype(np.int64)
    data = pa.py_buffer(np.ascontiguousarray(values).data)
    return pa.Array.from_buffers(kind or _TYPES[values.dtype.name], len(values), [known, data])


def text_array(values: Sequence[str | None]) -> pa.Array:
    """Texts as an Arrow array; None is null."""
    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish()


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of a dictionary's values; any other type as it is."""
    return kind.value_type if isinstance(kind, pa.DictionaryType) else kind


def whole_texts(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as large strings in one piece; labels as the texts that they stand for."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    texts = values.cast(pa.large_string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def composed(texts: pa.Array) -> pa.Array:
    """Texts with their letters composed (NFC), by which those of other systems compare."""
    plain = pc.all(pc.string_is_ascii(texts), min_count=0).as_py()
    return texts if plain else pc.utf8_normalize(texts, form="NFC")


def is_text(kind: pa.DataType) -> bool:
    """Whether a column contains strings, and is not encoded as labels."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)


def numbers_of(array: pa.Array) -> NDArray[Any]:
    """An Arrow array of numbers, times or truth values as numpy; NaN if a float is null.

    Times become whole numbers of their unit. Other nulls hold arbitrary values.
    """
    known, data = array.buffers()
    window = slice(array.offset, array.offset + len(array))
    if pa.types.is_boolean(array.type):
        return _flags(data)[window]
    values = np.frombuffer(data, _WIDTHS[array.type])[window]
    if array.null_count and array.type == pa.float64():
        values = np.where(_flags(known)[window], values, np.nan)
    return values


def whole_numbers(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray | None:
    """Whole numbers, also where they stand as floats; None if they are none."""
    if pa.types.is_integer(values.type):
        return values
    if not pa.types.is_floating(values.type) or values.null_count == len(values):
        return None
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:  # a fraction, NaN, or more digits than a float has
        return None


def array_of_json(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as JSON has them (texts, numbers, truth values, lists) as an array; None is null."""
    from pyarrow.json import ParseOptions, ReadOptions, read_json

    schema = pa.schema([("value", kind)])
    if not values:
        return empty_table(schema)["value"].combine_chunks()
    lines = "\n".join(json.dumps({"value": value}) for value in values).encode()
    rows = read_json(
        io.BytesIO(lines),
        read_options=ReadOptions(block_size=len(lines) + 1, use_threads=False),
        parse_options=ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
    return rows["value"].combine_chunks()


def table_of(columns: Mapping[str, pa.Array]) -> pa.Table:
    """Arrow arrays as a table."""
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def empty_table(schema: pa.Schema) -> pa.Table:
    """A table without rows."""
    return pa.Table.from_batches([], schema)


def mean_ranks(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """The rank of each number, from 1; equal ones share their mean rank."""
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    means: NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return means[place]


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pearson's correlation of two columns; 0 where one of them never changes."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else 0.0


def _flags(bits: pa.Buffer) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little").astype(bool)


def _bits(flags: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little").data)
