"""Names and values as SQL."""

from __future__ import annotations

import datetime as dt

from fabula.kinds.base.parameters import Moment, Scalar, as_moment


def quoted(name: str) -> str:
    """A name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Scalar) -> str:
    """A value as a SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value.replace(tzinfo=None).isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


def equals(column: str, value: Scalar) -> str:
    """A condition that is true where the column contains `value`, and never unknown."""
    name = quoted(column)
    if value is None:
        return f"{name} IS NULL"
    return f"coalesce(TRY_CAST({name} AS {sql_type(value)}) = {literal(value)}, FALSE)"


def sql_type(value: Scalar) -> str:
    """The SQL type that a value is compared in."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "HUGEINT"
    if isinstance(value, float):
        return "DOUBLE"
    if isinstance(value, dt.date):
        return "TIMESTAMP"
    return "VARCHAR"


def bound_sql(value: float | Moment) -> str:
    """A bound as SQL: a number, a time, or an expression over the row."""
    if isinstance(value, str):
        moment = as_moment(value)
        return own_sql(value) if moment is None else literal(moment)
    return literal(value)


def own_sql(sql: str) -> str:
    """The user's SQL in brackets; the new line ends a comment."""
    return f"({sql}\n)"
