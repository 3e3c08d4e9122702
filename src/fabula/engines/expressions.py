"""SQL over a block: all expressions of one step in a single query."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from fabula.engines.block import Array
from fabula.errors import SpecError, Violation
from fabula.io.arrays import array_of, table_of
from fabula.io.sql import quoted, thread_connection
from fabula.planning.expressions import settled_type


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
    projection = ", ".join(
        f"{sql} AS {quoted(str(i))}" for i, sql in enumerate(expressions.values())
    )
    try:
        result = thread_connection().from_arrow(block).project(projection).to_arrow_table()
    except duckdb.Error as error:
        message = str(error).splitlines()[0]
        raise SpecError(
            [Violation("engine.sql", f"SQL failed on the data: {message}", where)]
        ) from error
    return {name: _settled(result.column(i)) for i, name in enumerate(expressions)}


def _settled(column: pa.ChunkedArray) -> Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], column.type)
    return array.cast(settled_type(array.type), safe=False)
