"""A column that points at keys of its own table: learned as depths, newly generated as a forest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.column_names import name_words
from fabula.relationships.common_types import plain
from fabula.relationships.key_names import named_as_key
from fabula.relationships.key_values import KeyColumns
from fabula.relationships.keys import ForeignKey, find_keys
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Target, not_given
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.model import CellColumn, Weights
from fabula.synthesizers.multitable.bins import Bins
from fabula.synthesizers.multitable.foreign_keys import row_links
from fabula.synthesizers.trees import Trees

_PROBE = 200
"""Values that are looked up first; columns that point nowhere in their table fail on them."""

SPARSE_BITS = 12.0
"""Differing values that lie so far apart are keys by any name, where another column points there:
one in 4,096 would be met by chance."""


@dataclass(frozen=True, eq=False)
class TreeCodec:
    """A column that points at keys of its own table.

    A model sees how deep each row is; in place of values stand depths, in the column's own type,
    until the keys of a block are made.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        key: The column that it points at.
        trees: How the real rows point at each other.
        cells: Depths as cells.
        bins: The depth of each cell.
    """

    name: str
    type: pa.DataType
    key: str
    trees: Trees
    cells: CellColumn
    bins: Bins

    @property
    def about(self) -> str:
        """What was made of the column."""
        return f"points at `{self.key}`: newly generated as {self.trees.about}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Cells of depths."""
        return self.bins.codes(np.asarray(values.cast(pa.int64())))

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Depths."""
        del places, wanted
        return array_of(self.bins.edges[codes]).cast(self.type)

    def weights(self, wanted: Target) -> Weights:
        """Keys can't be asked for."""
        del wanted
        raise not_given(
            self.name, f"points at `{self.key}`, which is newly generated for each row", "given.key"
        )

    def flattened(self, table: pa.Table) -> pa.Table:
        """A table with depths in place of keys."""
        return _with_levels(table, self.name, Trees.of(_links(table, self.name, self.key))[1])

    def hung(self, table: pa.Table, rng: np.random.Generator) -> pa.Table:
        """The opposite of `flattened`, for new rows with new keys: another forest."""
        at = table.column_names.index(self.name)
        drawn = np.asarray(table.column(at).cast(pa.int64()))
        above = self.trees.grown(drawn, rng.random(len(drawn)), rng)
        keys = table.column(self.key)
        values = keys.take(array_of(np.maximum(above, 0), missing=above < 0)).cast(self.type)
        return table.set_column(at, table.schema.field(at), values)

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        settings, arrays = self.trees.state()
        cells = {"edges": self.bins.edges, "cells": self.cells.counts}
        return CodecState("tree", {"key": self.key, "trees": settings}, {**arrays, **cells})

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> TreeCodec:
        """The codec of a state."""
        arrays = {part: np.asarray(values) for part, values in state.arrays.items()}
        trees = Trees.restore(state.settings["trees"], arrays)
        cells = CellColumn(name, arrays["cells"], ordered=True, missing=False)
        return cls(name, kind, state.settings["key"], trees, cells, Bins(arrays["edges"]))


def with_trees(
    table: pa.Table, name: str = ""
) -> tuple[pa.Table, Mapping[str, TreeCodec | KeyCodec], tuple[str, ...]]:
    """Columns that point at keys of their own table, as depths.

    Args:
        table: All rows that are known, since links lead from one to another.
        name: What the table is called; else its key tells.

    Returns:
        The table with depths in place of such columns, codecs of these and of the keys that they
        point at, and what is to be said about rows that point nowhere.
    """
    codecs: dict[str, TreeCodec | KeyCodec] = {}
    told = []
    for link in _own_keys(table, name):
        (column,), (key,) = link.columns, link.key
        rows = _links(table, column, key)
        lost = int(((rows < 0) & ~np.asarray(table.column(column).is_null())).sum())
        if lost:
            told.append(
                f"{column}: {lost:,} of {table.num_rows:,} values are not in `{key}` and were"
                " learned as roots"
            )
        trees, level = Trees.of(rows)
        bins = Bins.of(level)
        cells = bins.cells(column, bins.codes(level))
        kind = table.schema.field(column).type
        codecs[column] = TreeCodec(column, kind, key, trees, cells, bins)
        codecs[key] = KeyCodec.always(key, table.column(key).combine_chunks())
        table = _with_levels(table, column, bins.edges[bins.codes(level)])
    return table, codecs, tuple(told)


def _links(table: pa.Table, column: str, key: str) -> NDArray[np.int64]:
    """The row that each row points at; -1 where that is none."""
    link = ForeignKey("rows", (column,), "rows", (key,))
    return row_links({"rows": table}, link, orphans=True)


def _with_levels(table: pa.Table, column: str, level: NDArray[np.int64]) -> pa.Table:
    at = table.column_names.index(column)
    values = array_of(level).cast(table.schema.field(at).type)
    return table.set_column(at, table.schema.field(at).with_nullable(True), values)


def _own_keys(table: pa.Table, name: str) -> list[ForeignKey]:
    """Foreign keys that point into their own table."""
    columns = KeyColumns({"rows": table})
    usable = columns.of("rows")
    keys = [
        column
        for column in usable
        if _identifies(table, column)
        and not columns("rows", column).are_days
        and (named_as_key(column) or columns("rows", column).bits >= SPARSE_BITS)
    ]
    pointing = [column for column in usable if any(_may_point(table, column, key) for key in keys)]
    if not pointing:
        return []
    named = name or "_".join(name_words(keys[0])[:-1]) or "rows"
    few = table.select([column for column in usable if column in {*keys, *pointing}])
    return [link for link in find_keys({named: few}).foreign if len(link.columns) == 1]


def _identifies(table: pa.Table, column: str) -> bool:
    values = table.column(column)
    return not values.null_count and len(values.unique()) == len(values) > 1


def _may_point(table: pa.Table, column: str, key: str) -> bool:
    if column == key or _identifies(table, column):
        return False
    some, there = (plain(table.column(name)) for name in (column, key))
    some = some.drop_null().unique().slice(0, _PROBE)
    try:
        some = some.cast(there.type)
    except pa.ArrowException:
        return False
    found = pc.mean(pc.is_in(some, value_set=there.combine_chunks())).as_py()
    return bool(len(some) and found >= 0.5)
