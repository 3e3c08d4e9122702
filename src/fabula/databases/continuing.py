"""A spec whose rows continue after those that a database contains: for loads that append."""

from __future__ import annotations

import math
from collections.abc import Sequence as Names
from typing import Protocol, runtime_checkable

from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.key import Key
from fabula.kinds.sequence import Sequence
from fabula.spec.tables import DatasetSpec, TableSpec


@runtime_checkable
class _Countable(Protocol):
    """A sink that knows the rows that are there."""

    def rows_there(self, names: Names[str]) -> dict[str, tuple[int, int | None]]:
        """The rows of tables that are there, and the highest number of their keys, if known."""


def continued(spec: DatasetSpec, sink: object) -> DatasetSpec:
    """The spec with `after` set to the rows that are there, and keys that start after them.

    Raises:
        SinkError: The database can't be read.
    """
    if not isinstance(sink, _Countable):
        return spec
    there = sink.rows_there(list(spec.tables))
    tables = {
        name: _after(table, *there[name]) if name in there else table
        for name, table in spec.tables.items()
    }
    return spec.model_copy(update={"tables": tables}).written_in(spec.source)


def _after(table: TableSpec, rows: int, highest: int | None) -> TableSpec:
    """A table whose rows continue after a number of rows, and after the highest key."""
    key = table.columns.get(table.key[0]) if len(table.key) == 1 else None
    after = rows
    if isinstance(key, Key) and highest is not None and key.step > 0:
        after = max(rows, math.ceil((highest + 1 - key.start) / key.step))
    columns = {name: _moved(column, after) for name, column in table.columns.items()}
    return table.model_copy(update={"columns": columns, "after": after})


def _moved(column: AbstractColumn, after: int) -> AbstractColumn:
    """A column of steps that starts after the rows that are there."""
    if isinstance(column, Key):
        return column.model_copy(update={"start": column.start + after * column.step})
    if isinstance(column, Sequence) and column.within is None:
        start, step = column.start, column.step
        if isinstance(start, int | float) and isinstance(step, int | float):
            return column.model_copy(update={"start": start + after * step})
    return column
