"""Tables that come out of a sandbox are read as what they are: bytes of a stranger.

Arrow's reader checks offsets and lengths itself when told to. What it would still accept is refused
here before any value is touched: compressed bodies and shared values (dictionaries, views, runs),
with which a few bytes become gigabytes, extension types, whose readers are other people's code,
and rows that no byte stands for.
"""

from __future__ import annotations

import struct

import pyarrow as pa
import pyarrow.compute as pc

from fabula.sandbox.messages import FrameError

MOST_COLUMNS = 10_000
MOST_DEPTH = 8
MOST_DIGITS = 38
"""Digits of a decimal number that all readers of our files know."""
_UNITS_A_DAY = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""Days from 1970-01-01 to 0001-01-01 and to 9999-12-31."""
_SCHEMA, _RECORD_BATCH = "schema", "record batch"
_HEADER, _COMPRESSION = 2, 3
"""Places of a field in the flatbuffer tables `Message` and `RecordBatch` of Arrow's format."""


def received_table(stream: memoryview) -> pa.Table:
    """The table in an Arrow IPC stream, checked in full; it keeps using the bytes.

    Raises:
        FrameError: They are no such stream, or one that is not accepted.
    """
    buffer = pa.py_buffer(stream)
    try:
        for message in pa.ipc.MessageReader.open_stream(buffer):
            _check_message(message)
        reader = pa.ipc.open_stream(buffer)
        _check_schema(reader.schema)
        table = reader.read_all().replace_schema_metadata(None)
        if table.num_rows > 8 * len(stream):
            raise FrameError("a table with more rows than its bytes can hold")
        table.validate(full=True)
        for name, column in zip(table.column_names, table.columns, strict=True):
            for array in column.chunks:
                _check_days(name, array)
    except (pa.ArrowException, struct.error, OSError, UnicodeDecodeError, ValueError) as error:
        raise FrameError(f"a table that can't be read: {error}") from error
    return table


def _check_message(message: pa.ipc.Message) -> None:
    if message.type not in (_SCHEMA, _RECORD_BATCH):
        raise FrameError(f"a table with a {message.type}; only plain columns are accepted")
    if message.type == _RECORD_BATCH and _is_compressed(bytes(message.metadata)):
        raise FrameError("a compressed table; only plain columns are accepted")


def _is_compressed(metadata: bytes) -> bool:
    (root,) = struct.unpack_from("<I", metadata)
    header = root + _field(metadata, root, _HEADER)
    (step,) = struct.unpack_from("<I", metadata, header)
    return _field(metadata, header + step, _COMPRESSION) != 0


def _field(metadata: bytes, table: int, place: int) -> int:
    """Where a field of a flatbuffer table lies, from the table's start; 0 if it is not set."""
    (back,) = struct.unpack_from("<i", metadata, table)
    slots = table - back
    (size,) = struct.unpack_from("<H", metadata, slots)
    slot = 4 + 2 * place
    return int(struct.unpack_from("<H", metadata, slots + slot)[0]) if slot < size else 0


def _check_schema(schema: pa.Schema) -> None:
    if len(schema) > MOST_COLUMNS:
        raise FrameError(f"a table of more than {MOST_COLUMNS:,} columns")
    if len(set(schema.names)) < len(schema):
        raise FrameError("a table in which two columns have one name")
    for field in schema:
        if not _is_plain(field.type, MOST_DEPTH):
            raise FrameError(f"column `{field.name[:100]}` of type {str(field.type)[:100]}")


def _check_days(name: str, column: pa.Array) -> None:
    """Refuse days that Python's calendar, from year 1 to 9999, does not have, at any depth."""
    of = column.type
    if pa.types.is_list(of) or pa.types.is_large_list(of):
        _check_days(name, column.flatten())
    elif pa.types.is_struct(of):
        for inner in column.flatten():
            _check_days(name, inner)
    if not (pa.types.is_date(of) or pa.types.is_timestamp(of)):
        return
    units = 1 if of == pa.date32() else _UNITS_A_DAY["ms" if of == pa.date64() else of.unit]
    numbers = column.cast(pa.int32()).cast(pa.int64()) if units == 1 else column.cast(pa.int64())
    low, high = pc.min_max(numbers).as_py().values()
    if low is not None and (low // units < _FIRST_DAY or high // units > _LAST_DAY):
        raise FrameError(f"column `{name[:100]}` with days outside the years 1 to 9999")


def _is_plain(of: pa.DataType, depth: int) -> bool:
    if depth == 0:
        return False
    is_type = pa.types
    if is_type.is_list(of) or is_type.is_large_list(of):
        return bool(of.value_field.name) and _is_plain(of.value_type, depth - 1)
    if is_type.is_struct(of):
        names = {field.name for field in of}  # raises for a name that is not text
        return len(names) == len(of) and all(_is_plain(field.type, depth - 1) for field in of)
    if is_type.is_timestamp(of) and of.tz is not None:
        pa.lib.string_to_tzinfo(of.tz)  # raises for a zone that is none
    if is_type.is_decimal(of):
        return bool(0 <= of.scale <= of.precision <= MOST_DIGITS)
    return bool(
        is_type.is_null(of)
        or is_type.is_boolean(of)
        or is_type.is_integer(of)
        or is_type.is_floating(of)
        or is_type.is_date(of)
        or is_type.is_time(of)
        or is_type.is_timestamp(of)
        or is_type.is_duration(of)
        or is_type.is_string(of)
        or is_type.is_large_string(of)
        or is_type.is_binary(of)
        or is_type.is_large_binary(of)
    )
