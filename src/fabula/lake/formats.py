"""What table formats keep: types that they lack become the nearest that they have, and it is said.

Delta and Iceberg know no dictionaries, no unsigned numbers, no durations, and times to the
microsecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from fabula.errors import SinkError
from fabula.io.arrays import plain_type
from fabula.io.destinations import Blocks, Incoming
from fabula.io.written.clock import clock_texts

_WIDER = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}


def kept(tables: Sequence[Incoming], *, times: bool) -> tuple[list[Incoming], list[str]]:
    """The tables with the types that a format has, and what was changed, for people.

    `times` tells whether the format knows times of day.
    """
    made, notes = [], []
    for table in tables:
        fields = [field.with_type(_type(field.type, times=times)) for field in table.schema]
        for old, new in zip(table.schema, fields, strict=True):
            if plain_type(old.type) != new.type:
                notes.append(f"`{table.name}.{old.name}` is {new.type} there, not {old.type}")
        made.append(replace(table, schema=pa.schema(fields)))
    return made, notes


def as_kept(tables: Sequence[Incoming], rows: Blocks) -> Blocks:
    """The rows with the types of `kept`."""
    schemas = {table.name: table.schema for table in tables}

    def blocks(name: str) -> Iterable[pa.Table]:
        return (_cast(block, schemas[name]) for block in rows(name))

    return blocks


def _cast(block: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [_column(*each) for each in zip(block.columns, schema, strict=True)]
    return pa.table(columns, schema=schema)


def _column(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    is_clock = pa.types.is_duration(column.type) or pa.types.is_time(column.type)
    if is_clock and pa.types.is_string(field.type):
        return pa.chunked_array([clock_texts(column.combine_chunks())])
    if pa.types.is_timestamp(field.type) and column.type != field.type:
        return _to_microseconds(column, field)
    return column.cast(field.type)


def _to_microseconds(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """Times to the microsecond.

    Raises:
        SinkError: One has more digits.
    """
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as exc:
        raise SinkError(
            f"`{field.name}` has times with nanoseconds, and the format keeps microseconds",
            code="sink.type",
            where=field.name,
            hint="round the column, or write Parquet files",
        ) from exc


def _type(kind: pa.DataType, *, times: bool) -> pa.DataType:
    """The nearest type of the format."""
    kind = plain_type(kind)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) or (pa.types.is_time(kind) and not times):
        return pa.string()
    if pa.types.is_time(kind):
        return pa.time64("us")
    if pa.types.is_uint64(kind):
        return pa.decimal128(20, 0)
    if pa.types.is_null(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_float16(kind):
        return pa.float32()
    return _WIDER.get(kind, kind)
