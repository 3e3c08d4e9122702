"""Numbers, dates and times in steps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.scalars import microseconds, seconds_of_months
from fabula.io.arrays import array_of
from fabula.kinds.base.parameters import CALENDAR, as_moment, month_number, seconds
from fabula.kinds.sequence import Sequence
from fabula.planning.plan import ColumnPlan

_MICROSECONDS = 1_000_000
_DAY = 86_400 * _MICROSECONDS


@engine_of("sequence")
def sequence_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Numbers, dates or times in steps."""
    del table
    spec = column.spec
    assert isinstance(spec, Sequence)
    start, step = spec.start, spec.step
    if isinstance(start, dt.date):
        moment = as_moment(start)
        assert moment is not None
        if step in CALENDAR:
            return _calendar_steps(spec, moment, CALENDAR[str(step)], column.type)
        length = seconds(step) if isinstance(step, str) else float(step) * 86_400
        return _time_steps(spec, moment, length, column.type)
    assert not isinstance(step, str)

    def make(block: Block) -> Array:
        values = array_of(_counted(spec, block) * step + start)
        return values.cast(column.type)

    return make


def _counted(spec: Sequence, block: Block) -> NDArray[np.int64]:
    """The number of each row, in the table or within its parent."""
    return block.row_numbers if spec.within is None else block.sibling_numbers


def _calendar_steps(spec: Sequence, start: dt.datetime, months: int, kind: pa.DataType) -> Engine:
    """The same day of later months, or their last."""
    month = month_number(start)

    def begun(months: NDArray[np.int64]) -> NDArray[np.int64]:
        return seconds_of_months(months) * _MICROSECONDS

    day, clock = divmod(microseconds(start) - int(begun(np.array(month))), _DAY)

    def make(block: Block) -> Array:
        later = month + _counted(spec, block) * months
        last_day = (begun(later + 1) - begun(later)) // _DAY - 1
        times = begun(later) + np.minimum(day, last_day) * _DAY + clock
        return array_of(times, pa.timestamp("us")).cast(kind, safe=False)

    return make


def _time_steps(spec: Sequence, start: dt.datetime, length: float, kind: pa.DataType) -> Engine:
    first = microseconds(start)

    def make(block: Block) -> Array:
        times = first + np.rint(_counted(spec, block) * (length * _MICROSECONDS)).astype(np.int64)
        return array_of(times, pa.timestamp("us")).cast(kind, safe=False)

    return make
