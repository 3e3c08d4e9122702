"""Times of day."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.spans import span_engine
from fabula.planning.plan import ColumnPlan


@engine_of("time_of_day")
def time_of_day_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Seconds of the column's distribution as times of day."""
    return span_engine(column, table)
