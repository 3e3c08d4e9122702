"""Columns that pick one of a list of values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.discrete import Weighted
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.scalars import scalar_array
from fabula.fakers.joining import string_array
from fabula.io.arrays import array_of
from fabula.kinds.choice import Choice
from fabula.planning.plan import ColumnPlan
from fabula.streams import Permutation


@engine_of("choice")
def choice_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Values by weight; with exact balance, by a shuffled deck that holds the exact counts."""
    spec = column.spec
    assert isinstance(spec, Choice)
    values = value_array(column)
    if spec.balance == "exact":
        ends = np.cumsum(exact_counts(spec, table.rows))
        shuffle = Permutation(table.rows, table.seed, table.name, column.name)

        def deal(block: Block) -> Array:
            cards = shuffle(block.row_numbers)
            return pick(values, np.searchsorted(ends, cards, side="right"))

        return deal
    if spec.weights is None:
        return lambda block: pick(
            values, block.rng(column.name).integers(0, len(values), block.rows, dtype=np.int32)
        )
    chooser = Weighted(spec.weights)
    return lambda block: pick(values, chooser.draw(block.rng(column.name), block.rows))


def exact_counts(spec: Choice, rows: int) -> NDArray[np.int64]:
    """Rows of each value: its share of `rows`, the largest remainders rounded up."""
    weights = np.asarray(spec.weights or (1.0,) * len(spec.values), dtype=np.float64)
    wanted = weights / weights.sum() * rows
    counts: NDArray[np.int64] = np.floor(wanted + 1e-9).astype(np.int64)
    order = np.argsort(counts - wanted, kind="stable")
    counts[order[: rows - counts.sum()]] += 1
    return counts


def value_array(column: ColumnPlan) -> Array:
    """The values to choose from, in the column's type; categories as their strings."""
    spec = column.spec
    assert isinstance(spec, Choice)
    if pa.types.is_dictionary(column.type):
        if None not in spec.values:
            return string_array(_text(value) for value in spec.values)
        return pa.array([None if v is None else _text(v) for v in spec.values], pa.string())
    if column.type in (pa.int64(), pa.float64()) and None not in spec.values:
        return array_of(np.array(spec.values, column.type.to_pandas_dtype()))
    return scalar_array(spec.values, column.type)


def pick(values: Array, index: NDArray[np.integer]) -> Array:
    """The value at each index; strings stay dictionary-encoded."""
    if pa.types.is_string(values.type) and not values.null_count:
        codes = array_of(index.astype(np.int32))
        return pa.DictionaryArray.from_arrays(codes, values)
    chosen = values.take(array_of(index))
    return chosen.dictionary_encode() if pa.types.is_string(values.type) else chosen


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
