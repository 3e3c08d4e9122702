"""Seconds of a distribution as durations and times of day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fabula.engines.block import Array, Block, Engine, as_floats
from fabula.engines.catalogue import column_engine
from fabula.engines.kinds import TableFacts
from fabula.io.arrays import array_of
from fabula.kinds.base.spans import AbstractSpan
from fabula.planning.plan import ColumnPlan

_MICROSECONDS = 1_000_000


def span_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """The column's seconds, in its type."""
    spec = column.spec
    assert isinstance(spec, AbstractSpan)
    seconds = spec.drawn()
    kind = pa.int64() if seconds.is_whole else pa.float64()
    engine = column_engine(ColumnPlan(column.name, seconds, kind), table)

    scale = _MICROSECONDS if spec.decimals else 1
    dtype = np.int32 if pa.types.is_time32(column.type) else np.int64

    def make(block: Block) -> Array:
        ticks = np.rint(as_floats(engine(block)) * scale)
        return array_of(ticks.astype(dtype), column.type)

    return make
