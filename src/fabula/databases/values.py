"""Values of Arrow tables as databases read them: CSV for COPY, literals for INSERT.

All of it works on whole columns. What an Arrow writer would get wrong (lists, bytes, durations) is
turned into text here first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from fabula.databases.base import Place
from fabula.errors import SinkError
from fabula.io.jsonl import json_texts
from fabula.io.sql import locked_connection
from fabula.io.written.clock import clock_texts

_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}


def plain(table: pa.Table) -> pa.Table:
    """A table whose labels are texts and whose columns are in one piece."""
    columns = []
    for column in table.columns:
        labelled = pa.types.is_dictionary(column.type)
        values = column.cast(column.type.value_type) if labelled else column
        columns.append(values.combine_chunks())
    return pa.Table.from_arrays(columns, names=table.column_names)


def copied(table: pa.Table, places: Mapping[str, Place]) -> pa.Buffer:
    """Rows as CSV that PostgreSQL's COPY reads; a gap is bare, an empty text is quoted."""
    columns = []
    for name, column in zip(table.column_names, plain(table).columns, strict=True):
        values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if pa.types.is_duration(values.type):
            values = intervals(values)
        elif _is_binary(values.type):
            values = pc.binary_join_element_wise("\\x", hexadecimal(values), "")
        elif _is_list(values.type) and places[name].array:
            values = arrays(values)
        elif pa.types.is_nested(values.type):
            values = json_of(values)
        columns.append(values)
    sink = pa.BufferOutputStream()
    flat = pa.Table.from_arrays(columns, names=table.column_names)
    pa.csv.write_csv(flat, sink, pa.csv.WriteOptions(include_header=False))
    return sink.getvalue()


def literal_rows(table: pa.Table, literal: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Each row as `(1, 'a', NULL)`."""
    texts = [
        pc.fill_null(literal(values.combine_chunks()), "NULL") for values in plain(table).columns
    ]
    joined = pc.binary_join_element_wise(*texts, ", ")
    return pc.binary_join_element_wise("(", joined, ")", "")


def literals(values: pa.Array, *, dialect: str) -> pa.Array:
    """A column's values as literals of SQL; gaps stay gaps."""
    kind = values.type
    if pa.types.is_boolean(kind):
        return pc.if_else(values, "TRUE", "FALSE")
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return values.cast(pa.string())
    if pa.types.is_floating(kind):
        texts = values.cast(pa.string())
        odd = pc.invert(pc.is_finite(values))
        return pc.if_else(odd, pc.binary_join_element_wise("'", texts, "'", ""), texts)
    if _is_binary(kind):
        mark = {"postgres": ("'\\x", "'"), "duckdb": ("from_hex('", "')")}.get(dialect, ("x'", "'"))
        return pc.binary_join_element_wise(mark[0], hexadecimal(values), mark[1], "")
    if pa.types.is_duration(kind):
        values = clock_texts(values) if dialect in ("mysql", "sqlite") else intervals(values)
    elif _is_list(kind) and dialect == "postgres":
        values = arrays(values)
    elif pa.types.is_nested(kind):
        values = json_of(values)
    return pc.binary_join_element_wise(
        "'", pc.replace_substring(as_text(values), "'", "''"), "'", ""
    )


def as_text(values: pa.Array) -> pa.Array:
    """Values as texts; times without a `T` and without a zone."""
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        values = values.cast(pa.timestamp(values.type.unit))
    return values.cast(pa.string())


def intervals(values: pa.Array) -> pa.Array:
    """Durations as `90 seconds`, which every SQL with intervals reads."""
    if values.type.unit == "ns":
        values = values.cast(pa.duration("us"), safe=False)
    ticks = values.cast(pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(ticks, _UNITS[values.type.unit], " ")


def arrays(values: pa.Array) -> pa.Array:
    """Lists as PostgreSQL writes them: `{1,2}`, `{"a","b"}`."""
    flat = values.flatten()
    if _is_list(flat.type):
        texts = arrays(flat)
    elif pa.types.is_nested(flat.type):
        texts = _in_quotes(json_of(flat))
    elif _is_binary(flat.type):
        texts = _in_quotes(pc.binary_join_element_wise("\\x", hexadecimal(flat), ""))
    elif pa.types.is_duration(flat.type):
        texts = _in_quotes(intervals(flat))
    elif pa.types.is_dictionary(flat.type):
        texts = _in_quotes(flat.cast(flat.type.value_type).cast(pa.string()))
    else:
        texts = _in_quotes(as_text(flat))
    texts = pc.fill_null(texts, "NULL")
    sizes = pc.fill_null(pc.list_value_length(values), 0)
    ends = pc.cumulative_sum(sizes.cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), ",")
    braced = pc.binary_join_element_wise("{", joined, "}", "")
    return pc.if_else(values.is_valid(), braced, pa.scalar(None, pa.string()))


def json_of(values: pa.Array) -> pa.Array:
    """Nested values as JSON."""
    made = json_texts(pa.Table.from_arrays([values], names=["value"]), ["value"])
    return made.column("value").combine_chunks()


def hexadecimal(values: pa.Array) -> pa.Array:
    """Bytes as digits."""
    rows = pa.Table.from_arrays([values.cast(pa.binary())], names=["value"])
    with locked_connection() as memory:
        made = memory.from_arrow(rows).project("lower(hex(value)) AS value").to_arrow_table()
    return made.column("value").combine_chunks().cast(pa.string())


def python_columns(table: pa.Table) -> Sequence[list[object]]:
    """Each column as values of Python that SQLite takes."""
    columns: list[list[object]] = []
    for column in plain(table).columns:
        values = column.combine_chunks()
        kind = values.type
        if pa.types.is_duration(kind):
            values = clock_texts(values)
        elif pa.types.is_nested(kind):
            values = json_of(values)
        elif pa.types.is_decimal(kind) or pa.types.is_temporal(kind):
            values = as_text(values)
        columns.append(values.to_pylist())
    return columns


def refuse_infinite(table: pa.Table, title: str) -> None:
    """Refuse numbers that a database can't hold.

    Raises:
        SinkError: There are some.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_floating(column.type):
            odd = pc.sum(pc.invert(pc.is_finite(column))).as_py()
            if odd:
                raise SinkError(
                    f"{odd:,} values of `{name}` are not finite, which {title} can't hold",
                    code="sink.value",
                    where=name,
                    hint="bound the column, or make it missing where it is not a number",
                )


def _in_quotes(texts: pa.Array) -> pa.Array:
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', escaped, '"', "")


def _is_list(kind: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in tests)


def _is_binary(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests)
