"""Strings that match a regular expression."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.fakers.regex import compile_pattern
from fabula.kinds.pattern import Pattern
from fabula.planning.plan import ColumnPlan


@engine_of("pattern")
def pattern_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Strings that match a regular expression."""
    del table
    spec = column.spec
    assert isinstance(spec, Pattern)
    pattern = compile_pattern(spec.regex)
    return lambda block: pattern.draw(block.rng(column.name), block.rows)
