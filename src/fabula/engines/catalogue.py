"""The engine of a column that is made by itself, by its kind."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.families import AbstractFamily
from fabula.engines.kinds import ENGINES, TableFacts
from fabula.engines.numbers import distribution_engine
from fabula.errors import UsageError
from fabula.planning.plan import ColumnPlan


def column_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """The engine of a column of a table.

    Raises:
        UsageError: The kind of a plug-in or program has no engine.
    """
    kind = column.spec.kind
    if kind not in ENGINES:
        raise UsageError(
            f"column kind `{kind}` has no engine",
            code="extension.incomplete",
            where=f"tables.{table.name}.columns.{column.name}",
            hint=f'register one by `fabula.engines.kinds.engine_of("{kind}")`',
        )
    entry = ENGINES[kind]
    if isinstance(entry, AbstractFamily):
        return distribution_engine(column, entry)
    return entry(column, table)
