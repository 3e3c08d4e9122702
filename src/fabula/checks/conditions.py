"""Row-level checks as SQL: a condition that is true (or unknown) on every good row."""

from __future__ import annotations

import datetime as dt

from fabula.io.sql import quoted
from fabula.kinds.base.parameters import Moment, Scalar, as_moment
from fabula.spec.checks import (
    Check,
    InSetCheck,
    MinimumCheck,
    NotNullCheck,
    PatternCheck,
    RangeCheck,
    RowCheck,
    WindowCheck,
)


def condition(check: Check) -> str:
    """The SQL condition that good rows meet; null counts as met.

    Values of the spec become quoted literals; only a `row` check's SQL, and a bound that is an
    expression, are SQL of the user's own.

    Raises:
        ValueError: The check is about a whole table.
    """
    if isinstance(check, RowCheck | WindowCheck):
        return _own(check.sql)
    if isinstance(check, NotNullCheck):
        return f"{quoted(check.column)} IS NOT NULL"
    if isinstance(check, InSetCheck):
        return _in_set(check)
    if isinstance(check, RangeCheck):
        name = quoted(check.column)
        bounds = [(">=", check.min), ("<=", check.max)]
        tests = [f"{name} {sign} {_bound(bound)}" for sign, bound in bounds if bound is not None]
        return f"({' AND '.join(tests)})"
    if isinstance(check, MinimumCheck):
        return f"CAST({quoted(check.column)} AS DOUBLE) >= {check.at_least}"
    if isinstance(check, PatternCheck):
        name = quoted(check.column)
        return f"regexp_full_match({name}::VARCHAR, {literal(check.regex)})"
    raise ValueError(f"a `{check.kind}` check is about a whole table")


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
    """A condition that is true where the column holds `value`, and never unknown."""
    name = quoted(column)
    if value is None:
        return f"{name} IS NULL"
    return f"coalesce(TRY_CAST({name} AS {_sql_type(value)}) = {literal(value)}, FALSE)"


def _in_set(check: InSetCheck) -> str:
    """One test a type: a text `1` and a number `1` are different values."""
    groups: dict[str, list[str]] = {}
    for value in check.values:
        if value is not None:
            groups.setdefault(_sql_type(value), []).append(literal(value))
    name = quoted(check.column)
    tests = [
        f"coalesce(TRY_CAST({name} AS {kind}) IN ({', '.join(values)}), FALSE)"
        for kind, values in groups.items()
    ]
    return f"({' OR '.join([f'{name} IS NULL', *tests])})"


def _sql_type(value: Scalar) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "HUGEINT"
    if isinstance(value, float):
        return "DOUBLE"
    if isinstance(value, dt.date):
        return "TIMESTAMP"
    return "VARCHAR"


def _bound(value: float | Moment) -> str:
    """A bound as SQL: a number, a time, or an expression over the row."""
    if isinstance(value, str):
        moment = as_moment(value)
        return _own(value) if moment is None else literal(moment)
    return literal(value)


def _own(sql: str) -> str:
    """The user's SQL in brackets; the new line ends a comment."""
    return f"({sql}\n)"
