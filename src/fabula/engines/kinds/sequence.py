"""Numbers, dates and times in steps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.scalars import microseconds
from fabula.io.arrays import array_of
from fabula.kinds.base.parameters import seconds
from fabula.kinds.sequence import Sequence
from fabula.planning.plan import ColumnPlan

_MICROSECONDS = 1_000_000


@engine_of("sequence")
def sequence_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Numbers, dates or times in steps."""
    del table
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
