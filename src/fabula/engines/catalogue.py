"""The engine of each column kind that is made by itself."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.choices import choice_engine
from fabula.engines.dates import datetime_engine
from fabula.engines.keys import constant_engine, key_engine, sequence_engine, uuid_engine
from fabula.engines.numbers import number_engine
from fabula.engines.people import pattern_engine, person_engine, provider_engine
from fabula.engines.reasoning import reasoning_engine
from fabula.engines.templates import template_engine
from fabula.planning.plan import ColumnPlan


def column_engine(column: ColumnPlan, *, rows: int, seed: int, table: str) -> Engine:
    """The engine of a column.

    Args:
        column: The column's plan.
        rows: Rows of the table.
        seed: The run's seed.
        table: The table's name.
    """
    match column.spec.kind:
        case "key":
            return key_engine(column)
        case "sequence":
            return sequence_engine(column)
        case "uuid":
            return uuid_engine(column)
        case "constant":
            return constant_engine(column)
        case "choice":
            return choice_engine(column, rows=rows, seed=seed, table=table)
        case "datetime":
            return datetime_engine(column)
        case "pattern":
            return pattern_engine(column)
        case "person":
            return person_engine(column)
        case "provider":
            return provider_engine(column, seed=seed, table=table)
        case "template":
            return template_engine(column, table)
        case "reasoning":
            return reasoning_engine(column)
        case "expr":
            return lambda block: block.formulas[column.name, "sql"].cast(column.type)
    return number_engine(column)
