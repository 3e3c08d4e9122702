"""Files that Fabula wrote, read again with the types that they were written from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from fabula.io.arrays import plain_type
from fabula.io.formats import FILE_FORMATS, Format, separator_of
from fabula.io.formulas import is_formula
from fabula.io.write import csv_type
from fabula.io.written.clock import clock_values

if TYPE_CHECKING:
    import pyarrow.dataset as ds

TableRows: TypeAlias = "pa.Table | ds.Dataset"
"""The rows of a table, in memory or in files."""

_JSON_BLOCK_BYTES = 16 << 20
"""Bytes of JSON Lines that are parsed at once; no line may be longer."""


def read_files(paths: Sequence[Path], file_format: Format, schema: pa.Schema | None) -> TableRows:
    """The rows of files that Fabula wrote, read when they are asked for; a plug-in's at once.

    Text forms have no types of their own, so the schema gives them (without one, their looks
    do); nested values stay JSON text in CSV, and dates come as times from JSON Lines (see
    `typed`).
    """
    from pyarrow import csv, json  # late, because pyarrow.dataset loads pandas if it can
    from pyarrow import dataset as ds

    names = [str(path) for path in paths]
    if file_format == "csv":
        flat = schema and pa.schema([(field.name, csv_type(field.type)) for field in schema])
        renamed = flat and any(map(is_formula, flat.names))  # the file may have them escaped
        csv_options = ds.CsvFileFormat(
            read_options=csv.ReadOptions(column_names=flat.names, skip_rows_after_names=1)
            if flat and renamed
            else None,
            parse_options=csv.ParseOptions(
                delimiter=separator_of(paths[0]), newlines_in_values=True
            ),
            convert_options=csv.ConvertOptions(
                column_types=flat,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        return ds.dataset(names, schema=flat, format=csv_options)
    if file_format == "jsonl":
        flat = schema and pa.schema([(field.name, _json_type(field.type)) for field in schema])
        json_options = ds.JsonFileFormat(
            read_options=json.ReadOptions(block_size=_JSON_BLOCK_BYTES)
        )
        return ds.dataset(names, schema=flat, format=json_options)
    if file_format == "arrow":
        return ds.dataset(names, format="ipc")
    if file_format == "parquet":
        return ds.dataset(names, schema=schema, format="parquet")
    read = FILE_FORMATS[file_format].reader()
    table = pa.concat_tables(map(read, paths), promote_options="permissive")
    return table if schema is None else table.select(schema.names).cast(schema)


def local_files(rows: Any) -> list[Path]:
    """The files of this machine that hold all columns of rows; empty where others are needed."""
    if getattr(getattr(rows, "filesystem", None), "type_name", "") != "local":
        return []
    first = next(iter(rows.get_fragments()), None)
    if first is None or not {*rows.schema.names} <= {*first.physical_schema.names}:
        return []  # some columns are the names of folders
    return [Path(file) for file in getattr(rows, "files", ())]


def typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table that was read back, with the types that it was written from.

    Nested values stay text where the format held them as text.
    """
    for position, field in enumerate(schema):
        if table.field(position).type != field.type and not pa.types.is_nested(field.type):
            values = table.column(position)
            clock = pa.types.is_duration(field.type) or pa.types.is_time(field.type)
            read = clock and pa.types.is_string(values.type)
            values = clock_values(values, field.type) if read else values.cast(field.type)
            table = table.set_column(position, field, values)
    return table


def _json_type(kind: pa.DataType) -> pa.DataType:
    """The type under which Arrow's JSON reader takes a column; it takes times only."""
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return pa.string()
    return pa.timestamp("s") if pa.types.is_date32(kind) else plain_type(kind)
