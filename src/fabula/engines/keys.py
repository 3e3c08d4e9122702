"""Columns that follow from the row's number: keys, sequences, constants; and UUIDs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.fakers.uuids import draw_uuids
from fabula.io.arrays import array_of
from fabula.planning.plan import ColumnPlan
from fabula.spec.keys import Constant, Key, Sequence
from fabula.spec.parameters import Scalar, as_moment, seconds

_MICROSECONDS = 1_000_000
_EPOCH = dt.datetime(1970, 1, 1)


def key_at(spec: Key, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The key of each row number; -1 gives a value that callers mask."""
    return rows * spec.step + spec.start


def key_engine(column: ColumnPlan) -> Engine:
    """Whole numbers in steps."""
    spec = column.spec
    assert isinstance(spec, Key)
    return lambda block: array_of(key_at(spec, block.row_numbers))


def sequence_engine(column: ColumnPlan) -> Engine:
    """Numbers, dates or times in steps."""
    spec = column.spec
    assert isinstance(spec, Sequence)
    start, step = spec.start, spec.step
    if isinstance(start, dt.date):
        length = seconds(step) if isinstance(step, str) else float(step) * 86_400
        return _time_steps(spec, start, length, column.type)
    assert not isinstance(step, str)

    def make(block: Block) -> Array:
        values = array_of(_counted(spec, block) * step + start)
        return values.cast(column.type)

    return make


def constant_engine(column: ColumnPlan) -> Engine:
    """One value in every row."""
    spec = column.spec
    assert isinstance(spec, Constant)
    value = scalar_array([spec.value], column.type)

    def make(block: Block) -> Array:
        index = array_of(np.zeros(block.rows, dtype=np.int32))
        return value.take(index)

    return make


def scalar_array(values: Iterable[Scalar], kind: pa.DataType) -> Array:
    """A spec's values as an Arrow array; times are those on the wall, whatever their zone."""
    if pa.types.is_timestamp(kind):
        moments = (value if isinstance(value, dt.date) else None for value in values)
        values = [None if moment is None else as_moment(moment) for moment in moments]
    return pa.array(values, kind)


def uuid_engine(column: ColumnPlan) -> Engine:
    """Random UUIDs; with 122 random bits a repetition is out of the question."""
    return lambda block: draw_uuids(block.rng(column.name), block.rows)


def microseconds(moment: dt.datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _counted(spec: Sequence, block: Block) -> NDArray[np.int64]:
    """The number of each row, in the table or within its parent."""
    return block.row_numbers if spec.within is None else block.sibling_numbers


def _time_steps(spec: Sequence, start: dt.date, length: float, kind: pa.DataType) -> Engine:
    at = start if isinstance(start, dt.datetime) else dt.datetime.combine(start, dt.time())
    first = microseconds(at.replace(tzinfo=None))

    def make(block: Block) -> Array:
        times = first + np.rint(_counted(spec, block) * (length * _MICROSECONDS)).astype(np.int64)
        return array_of(times, pa.timestamp("us")).cast(kind, safe=False)

    return make
