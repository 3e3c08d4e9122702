"""Lengths of time."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.spans import span_engine
from fabula.planning.plan import ColumnPlan


@engine_of("duration")
def duration_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Seconds of the column's distribution as durations."""
    return span_engine(column, table)
