"""Formulas among the cells of CSV, found while it is written, without a loop over rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.formulas import NUMBER, START, escaped, is_formula

_FIRST = np.zeros(256, dtype=bool)
_FIRST[list(b"=@\t\r\n+-\xef")] = True
"""Bytes that a formula may start with; 0xEF starts the full-width signs."""


class FormulaGuard:
    """Looks at what goes into one CSV file.

    Attributes:
        found: Cells that start like a formula, by column; a name of a column counts as a cell.

    Args:
        escape: Whether such cells are escaped.
    """

    def __init__(self, escape: bool) -> None:
        self.found: Counter[str] = Counter()
        self._escape = escape

    def header(self, schema: pa.Schema) -> pa.Schema:
        """The names of the columns, as written."""
        self.found.update(name for name in schema.names if is_formula(name))
        if not self._escape:
            return schema
        return pa.schema([field.with_name(escaped(field.name)) for field in schema])

    def rows(self, block: pa.Table) -> pa.Table:
        """A block, as it is written."""
        for place, field in enumerate(block.schema):
            count, values = self._column(block.column(place))
            if count:
                self.found[field.name] += count
                if self._escape:
                    block = block.set_column(place, field.name, values)
        return block

    def _column(self, column: pa.ChunkedArray[Any]) -> tuple[int, pa.ChunkedArray[Any]]:
        """How many cells of a column are formulas, and the column without them."""
        kind = column.type
        if pa.types.is_dictionary(kind):
            if not any(_may_be(chunk.dictionary) for chunk in column.chunks):
                return 0, column
            column = column.cast(kind.value_type)
        if not any(_may_be(chunk) for chunk in column.chunks):
            return 0, column
        hits = pc.and_not(
            pc.match_substring_regex(column, f"^{START}"),
            pc.match_substring_regex(column, f"^(?:{NUMBER})"),
        )
        count = pc.sum(hits).as_py() or 0
        if count and self._escape:
            quote, nothing = pa.scalar("'", column.type), pa.scalar("", column.type)
            marked = pc.binary_join_element_wise(quote, column, nothing)
            column = pc.if_else(pc.fill_null(hits, False), marked, column)
        return count, column


def _may_be(values: pa.Array[Any]) -> bool:
    """Whether a text of an array starts with a byte of a formula; almost as fast as a look."""
    wide = pa.types.is_large_string(values.type)
    if not (wide or pa.types.is_string(values.type)):
        return bool(pa.types.is_string_view(values.type))
    if not len(values):
        return False
    _, offsets, data = values.buffers()
    if data is None or not data.size:
        return False
    ends: NDArray[np.integer[Any]] = np.frombuffer(offsets, np.int64 if wide else np.int32)
    starts = ends[values.offset : values.offset + len(values)]  # an empty text's is the next one's
    letters = np.frombuffer(data, np.uint8).take(starts, mode="clip")
    return bool(_FIRST.take(letters).any())
