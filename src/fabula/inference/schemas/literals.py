"""Constants in conditions: values, and times that count from today."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from sqlglot import exp

Literal = str | int | Decimal | bool
_NOW = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime)
_NUMBER = re.compile(r"-?\$?[\d,]*\.?\d+(e[+-]?\d+)?", re.I)
_SPAN = re.compile(r"(-?\d+)\s*(year|mon|month|week|day|hour|minute|second)s?", re.I)
_DAYS = {"year": 365.2425, "mon": 30.44, "month": 30.44, "week": 7, "day": 1, "hour": 1 / 24}


def literal_of(node: exp.Expression) -> Literal | None:
    """The constant that a node stands for; None if it is none.

    PostgreSQL keeps a number below zero as a text that is cast: `'-5'::integer`.
    """
    while isinstance(node, exp.Paren | exp.Cast):
        inner = bare(node)
        if isinstance(node, exp.Cast) and isinstance(inner, exp.Literal) and inner.is_string:
            found = _NUMBER.fullmatch(str(inner.this)) if _is_number(node.to) else None
            if found is not None:
                return literal_of(exp.Literal.number(re.sub("[$,]", "", found[0])))
        node = node.this
    match node:
        case exp.Literal(is_string=True):
            return str(node.this)
        case exp.Literal():
            number = Decimal(str(node.this))
            return (
                int(number)
                if number == number.to_integral_value() and "." not in str(node.this)
                else number
            )
        case exp.Neg():
            positive = literal_of(node.this)
            return -positive if isinstance(positive, int | Decimal) else None
        case exp.Boolean():
            return bool(node.this)
    return None


def _is_number(kind: exp.DataType) -> bool:
    numbers = (*exp.DataType.NUMERIC_TYPES, exp.DType.MONEY, exp.DType.SMALLMONEY)
    return kind.this in numbers


def bare(node: exp.Expression) -> exp.Expression:
    """What is inside brackets and casts."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def moment_of(node: exp.Expression, *, before: bool) -> dt.datetime | None:
    """A time that counts from now, such as `CURRENT_DATE - INTERVAL '18 years'`; None for others.

    Args:
        node: The time.
        before: Whether values lie before it: they then keep a day of the past, so that the same
            spec is written at any time; else they lie after the day on which the spec is written.
    """
    node = bare(node)
    if isinstance(node, _NOW):
        today = dt.datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return dt.datetime(2026, 1, 1) if before else today + dt.timedelta(days=1)
    if not isinstance(node, exp.Sub | exp.Add):
        return None
    start, days = moment_of(node.this, before=before), _days_of(node.expression)
    if start is None or days is None:
        return None
    moved = start + dt.timedelta(days=-days if isinstance(node, exp.Sub) else days)
    return dt.datetime(moved.year, moved.month, moved.day) + dt.timedelta(days=0 if before else 1)


def _days_of(node: exp.Expression) -> float | None:
    """How many days an interval, or a whole number, stands for."""
    number = literal_of(node)
    if isinstance(number, int | Decimal):
        return float(number)
    text = str(number)
    if isinstance(node, exp.Interval) and node.this is not None and node.unit is not None:
        text = f"{node.this.name} {node.unit.name}"
    parts = _SPAN.findall(text)
    if not parts or _SPAN.sub("", text).strip():
        return None
    return sum(int(many) * _DAYS.get(unit.lower(), 0.0) for many, unit in parts)
