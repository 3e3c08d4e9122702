"""SQL over a block: all expressions of one step in a single query."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from fabula.engines.block import Array
from fabula.errors import SpecError, Violation
from fabula.io.arrays import array_of, table_of
from fabula.io.sql import sql_error, thread_connection
from fabula.io.sql_bounds import bounded
from fabula.kinds.base.sql import quoted
from fabula.planning.expressions import settled_type

_MAKES_MUCH = re.compile(r"bounded_|\blambda\b|->", re.IGNORECASE)
_LONG = 1_000
"""Bytes of a row's values on average."""
_FEW_ROWS, _FEWER_ROWS = 128, 8
"""Rows that DuckDB takes at once where one row may take long: it can be stopped between them."""


def evaluate(
    expressions: Mapping[str, str], values: Mapping[str, Array], rows: int, *, where: str
) -> dict[str, Array]:
    """The value of each expression in every row.

    Args:
        expressions: SQL by result name.
        values: The columns that the expressions use.
        rows: Length of the columns.
        where: Place in the spec, for errors.

    Raises:
        SpecError: A value can't be computed, such as a failed cast or an overflow.
    """
    block = table_of(values or {"_": array_of(np.zeros(rows, dtype=np.int32))})
    together = ", ".join(expressions.values())
    if _MAKES_MUCH.search(together) or block.nbytes > _LONG * rows:
        few = _FEWER_ROWS if "regexp" in together else _FEW_ROWS
        block = pa.Table.from_batches(block.to_batches(max_chunksize=few), block.schema)
    projection = ", ".join(
        f"{sql} AS {quoted(str(i))}" for i, sql in enumerate(expressions.values())
    )
    try:
        connection = thread_connection()
        with bounded(connection, rows):
            result = connection.from_arrow(block).project(projection).to_arrow_table()
    except sql_error() as error:
        if len(expressions) > 1:  # one of them fails: alone, it says which
            for name, sql in expressions.items():
                evaluate({name: sql}, values, rows, where=where)
        message = str(error).splitlines()[0]
        told = f"SQL failed on the data: {message}"
        raise SpecError([Violation("engine.sql", told, _place(where, expressions))]) from error
    if result.num_rows != rows:
        told = f"SQL makes {result.num_rows:,} values of {rows:,} rows"
        raise SpecError([Violation("engine.sql", told, _place(where, expressions))])
    return {name: _settled(result.column(i)) for i, name in enumerate(expressions)}


def _place(where: str, expressions: Mapping[str, str]) -> str:
    """The place of the one expression, where its name is a column's and a parameter's."""
    name, _, parameter = next(iter(expressions)).partition("\n")
    return f"{where}.columns.{name}.{parameter}" if parameter else where


def _settled(column: pa.ChunkedArray) -> Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], column.type)
    return array.cast(settled_type(array.type), safe=False)
