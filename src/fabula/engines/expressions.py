"""SQL over a block: all expressions of one step in a single query."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from fabula.engines.block import Array
from fabula.errors import SpecError, Violation
from fabula.io.arrays import array_of, table_of
from fabula.io.expressions import settled_type
from fabula.io.sql import sql_error, thread_connection
from fabula.io.sql_bounds import bounded, may_grow
from fabula.kinds.base.sql import quoted

_MAKES_MUCH = re.compile(r"bounded_|\blambda\b|->", re.IGNORECASE)
_LONG = 1_000
"""Bytes of a row's values on average."""
_MOST_BYTES, _MOST_ROW_BYTES = 16 << 20, 10_000
"""Bytes of the values of a block: further expressions build on them."""
_FEW_ROWS, _FEWER_ROWS = 128, 8
"""Rows that DuckDB takes at once where one row may take long: it can be stopped between them."""


def evaluate(
    expressions: Mapping[str, str], values: Mapping[str, Array], rows: int, *, where: str
) -> dict[str, Array]:
    """The value of each expression in every row.

    Raises:
        SpecError: A value can't be computed, such as a failed cast or an overflow.
    """
    block = table_of(values or {"_": array_of(np.zeros(rows, dtype=np.int32))})
    together = ", ".join(expressions.values())
    long = block.nbytes > _LONG * rows
    if long or _MAKES_MUCH.search(together):
        few = _FEWER_ROWS if "regexp" in together else _FEW_ROWS
        block = pa.Table.from_batches(block.to_batches(max_chunksize=few), block.schema)
    projection = ", ".join(
        f"{sql} AS {quoted(str(i))}" for i, sql in enumerate(expressions.values())
    )
    try:
        connection = thread_connection()
        with bounded(connection, rows, grows=long or may_grow(together)):
            result = connection.from_arrow(block).project(projection).to_arrow_table()
    except sql_error() as error:
        if len(expressions) > 1:  # one of them fails: alone, it says which
            for name, sql in expressions.items():
                evaluate({name: sql}, values, rows, where=where)
        message = str(error).splitlines()[0]
        told = f"SQL failed on the data: {message}"
        raise SpecError([Violation("engine.sql", told, _place(where, expressions))]) from error
    told = f"SQL returns {result.num_rows:,} values for {rows:,} rows"
    if result.num_rows == rows and result.nbytes > _MOST_BYTES + _MOST_ROW_BYTES * rows:
        told = f"SQL makes {result.nbytes >> 20:,} MB of {rows:,} rows"
    elif result.num_rows == rows:
        return {name: _settled(result.column(i)) for i, name in enumerate(expressions)}
    raise SpecError([Violation("engine.sql", told, _place(where, expressions))])


def _place(where: str, expressions: Mapping[str, str]) -> str:
    """The place of the one expression, where its name is a column's and a parameter's."""
    name, _, parameter = next(iter(expressions)).partition("\n")
    return f"{where}.columns.{name}.{parameter}" if parameter else where


def _settled(column: pa.ChunkedArray) -> Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], column.type)
    return array.cast(settled_type(array.type), safe=False)
