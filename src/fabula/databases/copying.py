"""Rows out of PostgreSQL by COPY, as a stream of Arrow batches with the columns' own types."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv

_TYPES = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "oid": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "numeric": pa.float64(),
    "date": pa.date32(),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "time without time zone": pa.time64("us"),
}
_COLUMNS = """
SELECT a.attname, format_type(coalesce(b.oid, t.oid), CASE WHEN b.oid IS NULL THEN a.atttypmod
       ELSE t.typtypmod END)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_BLOCK_BYTES = 4 << 20


def copied_rows(connection: psycopg.Connection[Any], table: str) -> pa.RecordBatchReader:
    """The rows of a table, read while they are asked for; arrays and ranges are texts."""
    columns = {
        name: arrow_type(kind) for name, kind in connection.execute(_COLUMNS, [table]).fetchall()
    }
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    query = f"COPY (SELECT {names} FROM {table}) TO STDOUT (FORMAT csv)"
    options = {
        "read_options": pa.csv.ReadOptions(
            column_names=list(columns), block_size=_BLOCK_BYTES, use_threads=False
        ),
        "parse_options": pa.csv.ParseOptions(newlines_in_values=True),
        "convert_options": pa.csv.ConvertOptions(
            column_types=columns,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    }
    schema = pa.schema(columns)

    def batches() -> Iterator[pa.RecordBatch]:
        with connection.cursor() as cursor, cursor.copy(query.encode()) as copy:
            stream = _Stream(iter(copy))
            if stream.is_empty():
                return
            yield from pa.csv.open_csv(io.BufferedReader(stream, _BLOCK_BYTES), **options)

    return pa.RecordBatchReader.from_batches(schema, batches())


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a type's name in PostgreSQL; text if there is none."""
    sized = re.fullmatch(r"numeric\((\d+),(-?\d+)\)", kind)
    if sized and int(sized[1]) <= 38 and int(sized[2]) >= 0:
        return pa.decimal128(int(sized[1]), int(sized[2]))
    return _TYPES.get(re.sub(r"\(\d+\)(?=$| )", "", kind), pa.string())


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[Any]) -> None:
        self._pieces, self._rest = pieces, b""

    def is_empty(self) -> bool:
        """Whether nothing comes."""
        self._rest = bytes(next(self._pieces, b""))
        return not self._rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = bytes(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
