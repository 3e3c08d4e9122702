"""Random UUIDs."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.fakers.uuids import draw_uuids
from fabula.planning.plan import ColumnPlan


@engine_of("uuid")
def uuid_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Random UUIDs; with 122 random bits a repetition is out of the question."""
    del table
    return lambda block: draw_uuids(block.rng(column.name), block.rows)
