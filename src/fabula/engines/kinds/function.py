"""Columns that a Python function of the user's computes, here or in the sandbox."""

from __future__ import annotations

from functools import partial

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.functions.calling import called
from fabula.kinds.function import Function
from fabula.planning.plan import ColumnPlan


@engine_of("function")
def function_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """What the function gives for each row of a block, in the column's type."""
    spec = column.spec
    assert isinstance(spec, Function)
    where = f"tables.{table.name}.columns.{column.name}"

    def make(block: Block) -> Array:
        return called(
            spec,
            block.values,
            column.type,
            rows=block.rows,
            start=block.start,
            where=where,
            rng=partial(block.rng, column.name),
        )

    return make
