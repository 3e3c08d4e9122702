"""Keys: whole numbers in steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.engines.block import Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.io.arrays import array_of
from fabula.kinds.key import Key
from fabula.planning.plan import ColumnPlan


def key_at(spec: Key, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The key of each row number; -1 gives a value that callers mask."""
    return rows * spec.step + spec.start


@engine_of("key")
def key_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Whole numbers in steps."""
    del table
    spec = column.spec
    assert isinstance(spec, Key)
    return lambda block: array_of(key_at(spec, block.row_numbers))
