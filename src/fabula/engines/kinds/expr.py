"""Values computed by SQL, with all other expressions of the step."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.planning.plan import ColumnPlan


@engine_of("expr")
def expr_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """The evaluated expression in the column's type."""
    del table
    return lambda block: block.formulas[column.name, "sql"].cast(column.type)
