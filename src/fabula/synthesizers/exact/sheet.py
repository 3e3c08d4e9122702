"""A table's columns as numbers, while formulas change some of them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from fabula.synthesizers.exact.measures import Floats, Measure


class Sheet:
    """The numbers of a table's columns, computed where they are asked for.

    Args:
        table: Rows.
        measures: How columns are numbers, by name.
    """

    def __init__(self, table: pa.Table, measures: Mapping[str, Measure]) -> None:
        self.table, self.measures = table, measures
        self._numbers: dict[str, Floats] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def numbers(self, name: str) -> Floats:
        """The numbers of a column; NaN where missing."""
        if name not in self._numbers:
            self._numbers[name] = self.measures[name].numbers(self.values(name))
        return self._numbers[name]

    def values(self, name: str) -> pa.Array:
        """The values of a column."""
        return self.table.column(name).combine_chunks()

    def replace(self, name: str, values: pa.Array) -> None:
        """Put other values into a column."""
        at = self.table.column_names.index(name)
        self.table = self.table.set_column(at, self.table.schema.field(at), values)
        self._numbers.pop(name, None)
