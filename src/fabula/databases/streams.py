"""Rows of a cursor as a stream of Arrow batches, whose types follow from the columns' own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa

ROWS = 16_384
"""Rows that are fetched at once."""


class Cursor(Protocol):
    """A cursor of any driver."""

    def fetchmany(self, size: int) -> Sequence[Sequence[Any]]:
        """The next rows."""
        ...


def reader_of(cursor: Cursor, schema: pa.Schema) -> pa.RecordBatchReader:
    """The rows of a cursor, batch by batch."""

    def batches() -> Iterator[pa.RecordBatch]:
        while rows := cursor.fetchmany(ROWS):
            columns = zip(*rows, strict=True)
            arrays = [
                array_like(values, field.type)
                for values, field in zip(columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def array_like(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as an array of a type; what has another form becomes text."""
    if pa.types.is_string(kind):
        values = [v if v is None or isinstance(v, str) else _text(v) for v in values]
    elif pa.types.is_floating(kind):
        values = [float(v) if isinstance(v, Decimal) else v for v in values]
    elif pa.types.is_boolean(kind):
        values = [None if value is None else bool(value) for value in values]
    elif pa.types.is_temporal(kind) and any(isinstance(value, str) for value in values):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind, from_pandas=False)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict | list):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
