"""One value in every row."""

from __future__ import annotations

import numpy as np

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.scalars import scalar_array
from fabula.io.arrays import array_of
from fabula.kinds.constant import Constant
from fabula.planning.plan import ColumnPlan


@engine_of("constant")
def constant_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """One value in every row."""
    del table
    spec = column.spec
    assert isinstance(spec, Constant)
    value = scalar_array([spec.value], column.type)

    def make(block: Block) -> Array:
        index = array_of(np.zeros(block.rows, dtype=np.int32))
        return value.take(index)

    return make
