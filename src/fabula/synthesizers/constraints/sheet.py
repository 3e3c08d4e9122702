"""A table's columns as numbers, while formulas change some of them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from fabula.synthesizers.constraints.measures import Floats, Measure


class Sheet:
    """The numbers of a table's columns, computed if they are asked for.

    Numbers and times that are written as texts are read, and written again in `rows`.

    Args:
        table: Rows.
        measures: How columns are numbers, by name.
    """

    def __init__(self, table: pa.Table, measures: Mapping[str, Measure]) -> None:
        self._table, self.measures = table, measures
        self._read: dict[str, pa.Array] = {}
        self._numbers: dict[str, Floats] = {}

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return list(self._table.column_names)

    def numbers(self, name: str) -> Floats:
        """The numbers of a column; NaN if missing."""
        if name not in self._numbers:
            self._numbers[name] = self.measures[name].numbers(self.values(name))
        return self._numbers[name]

    def values(self, name: str) -> pa.Array:
        """The values of a column."""
        if name in self._read:
            return self._read[name]
        values = self._table.column(name).combine_chunks()
        measure = self.measures.get(name)
        if measure is None or measure.written is None:
            return values
        self._read[name] = measure.written.read(values)
        return self._read[name]

    def replace(self, name: str, values: pa.Array) -> None:
        """Put other values into a column."""
        at, measure = self._table.column_names.index(name), self.measures.get(name)
        self._numbers.pop(name, None)
        if measure is not None and measure.written is not None:
            self._read[name] = values
            values = measure.written.write(values, self._table.column(name).combine_chunks())
        self._table = self._table.set_column(at, self._table.schema.field(at), values)

    @property
    def rows(self) -> pa.Table:
        """The rows as they are now."""
        return self._table

    @property
    def table(self) -> pa.Table:
        """The rows with their numbers and times as such."""
        return pa.table({name: self.values(name) for name in self.names})
