"""Rows that continue after those that a database contains: for loads that append."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.destinations import Blocks, Incoming, Sink
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.key import Key
from fabula.kinds.sequence import Sequence as Steps
from fabula.spec.tables import DatasetSpec, TableSpec


@runtime_checkable
class _Countable(Protocol):
    """A sink that knows the rows that are there."""

    def rows_there(self, names: Sequence[str]) -> dict[str, tuple[int, int | None]]:
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


def after_those_there(sink: Sink, tables: Sequence[Incoming], rows: Blocks) -> Blocks:
    """Drawn rows whose whole-number keys start after the highest one there.

    Keys that point at them move along. Nothing moves where no key would be there twice.

    Args:
        sink: Where they are loaded.
        tables: The tables with their keys.
        rows: Their rows.

    Raises:
        SinkError: The database can't be read.
    """
    if not isinstance(sink, _Countable):
        return rows
    known, moves = {table.name: table for table in tables}, dict[str, int]()
    there = sink.rows_there(list(known))

    def move_of(name: str, first: pa.Table | None) -> int:
        if name not in moves:
            found = next(iter(rows(name)), None) if first is None else first
            lowest, highest = _lowest_key(known[name], found), there.get(name, (0, None))[1]
            moves[name] = 0
            if lowest is not None and highest is not None and lowest <= highest:
                moves[name] = highest - lowest + 1
        return moves[name]

    def moved(name: str) -> Iterator[pa.Table]:
        blocks = iter(rows(name))
        first = next(blocks, None)
        if first is None:
            return
        steps = {known[name].key[0]: move_of(name, first)} if len(known[name].key) == 1 else {}
        for link in known[name].links:
            if link.parent in known and link.key == known[link.parent].key and len(link.key) == 1:
                steps[link.columns[0]] = move_of(link.parent, None)
        for block in chain([first], blocks):
            yield _stepped(block, steps)

    return moved


def _lowest_key(table: Incoming, block: pa.Table | None) -> int | None:
    """The lowest key of a block; None where the key points elsewhere, or is a text."""
    linked = {column for link in table.links for column in link.columns}
    if block is None or len(table.key) != 1 or table.key[0] in linked:
        return None
    values = block.column(table.key[0])
    if not pa.types.is_integer(values.type):
        return None
    lowest: int | None = pc.min(values).as_py()
    return lowest


def _stepped(block: pa.Table, steps: Mapping[str, int]) -> pa.Table:
    """A block with numbers added to its columns."""
    for name, step in steps.items():
        if step:
            values = block.column(name)
            added = pc.add(values, pa.scalar(step, values.type))
            block = block.set_column(block.schema.get_field_index(name), name, added)
    return block


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
    if isinstance(column, Steps) and column.within is None:
        start, step = column.start, column.step
        if isinstance(start, int | float) and isinstance(step, int | float):
            return column.model_copy(update={"start": start + after * step})
    return column
