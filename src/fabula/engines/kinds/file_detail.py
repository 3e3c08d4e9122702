"""Details of files: missing until the files are made."""

from __future__ import annotations

import pyarrow as pa

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.planning.plan import ColumnPlan


@engine_of("file_detail")
def file_detail_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Nothing yet, of the detail's type."""
    del table

    def make(block: Block) -> Array:
        return pa.nulls(len(block.unique_numbers), column.type)

    return make
