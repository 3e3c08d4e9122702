"""JSON Lines: one object per row, nulls kept, dates in ISO form, no Python loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from fabula.io.sql import locked_connection
from fabula.kinds.base.sql import quoted

if TYPE_CHECKING:
    import duckdb


class JsonLines:
    """Writes blocks as JSON Lines through DuckDB's `to_json`."""

    def __init__(self, sink: pa.NativeFile, schema: pa.Schema, *_: object) -> None:
        fields = ", ".join(f"{quoted(field.name)} := {_value(field)}" for field in schema)
        self._query = f"SELECT to_json(struct_pack({fields})) || chr(10) FROM block"
        self._database = locked_connection()
        self._sink = sink

    def write(self, block: pa.Table) -> None:
        if block.num_rows:
            lines = _select(self._database, self._query, block).column(0)
            for chunk in lines.chunks:
                self._sink.write(_characters(chunk))

    def close(self) -> None:
        self._database.close()


def json_texts(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The named columns with each value as JSON text; a null stays a null."""
    texts = ", ".join(
        f"CASE WHEN {quoted(name)} IS NULL THEN NULL ELSE to_json({quoted(name)})::VARCHAR END"
        f" AS {quoted(name)}"
        for name in columns
    )
    database = locked_connection()
    try:
        return _select(database, f"SELECT {texts} FROM block", table).cast(
            pa.schema([(name, pa.string()) for name in columns])
        )
    finally:
        database.close()


def _select(database: duckdb.DuckDBPyConnection, query: str, block: pa.Table) -> pa.Table:
    database.register("block", block)
    try:
        selected: pa.Table = database.sql(query).to_arrow_table()
        return selected
    finally:
        database.unregister("block")


def _value(field: pa.Field[pa.DataType]) -> str:
    """A column as SQL whose JSON form is the wanted one."""
    name = quoted(field.name)
    if pa.types.is_floating(field.type):  # JSON has no NaN or infinity
        return f"CASE WHEN isfinite({name}) THEN {name} END"
    if pa.types.is_timestamp(field.type):
        return f"replace({name}::VARCHAR, ' ', 'T')"
    return name


def _characters(texts: pa.Array[pa.Scalar[pa.DataType]]) -> memoryview:
    """The characters of a text array as one piece of memory, without a copy."""
    _, offsets, characters = texts.cast(pa.large_string()).buffers()
    assert offsets is not None
    assert characters is not None
    ends = memoryview(offsets).cast("q")
    first, last = ends[texts.offset], ends[texts.offset + len(texts)]
    return memoryview(characters)[first:last]
