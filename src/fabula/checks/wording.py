"""Checks in words, for reports and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fabula.spec.checks import (
    AbstractBound,
    AggregateCheck,
    Check,
    CorrelationCheck,
    CountCheck,
    ForeignKeyCheck,
    InSetCheck,
    MinimumCheck,
    NearDuplicateCheck,
    NotNullCheck,
    PatternCheck,
    RangeCheck,
    RowCheck,
    ShareCheck,
    UniqueCheck,
    WindowCheck,
)

_SHOWN = 5


def check_name(check: Check) -> str:
    """The check's own name, or its rule in words."""
    return check.name or rule(check)


def rule(check: Check) -> str:
    """What a check demands, in words."""
    match check:
        case RowCheck() | WindowCheck():
            return check.sql
        case NotNullCheck() | InSetCheck() | RangeCheck() | MinimumCheck() | PatternCheck():
            return _row_rule(check)
        case UniqueCheck():
            return f"{names(check.columns)} unique"
        case NearDuplicateCheck():
            return f"`{check.column}` never nearly the same ({check.similarity:g})"
        case CorrelationCheck():
            where = f" where {check.where}" if check.where else ""
            return f"correlation of {names(check.columns)}{where} {bound(check)}"
        case ShareCheck():
            what = check.sql or f"`{check.column}` = {check.value}"
            return f"share of {what} {bound(check)}"
        case AggregateCheck():
            by = f" by `{check.by}`" if check.by else ""
            return f"`{check.column}` = {check.function} of `{check.of}`{by}"
        case ForeignKeyCheck():
            return f"`{check.column}` exists in `{check.to}`"
        case CountCheck():
            return f"each has {_interval(check.min, check.max)} rows in `{check.of}`"


def _row_rule(
    check: NotNullCheck | InSetCheck | RangeCheck | MinimumCheck | PatternCheck,
) -> str:
    """What a check demands of each value of a column."""
    match check:
        case NotNullCheck():
            demand = "never missing"
        case InSetCheck():
            demand = f"is one of {values(check.values)}"
        case RangeCheck():
            demand = _interval(check.min, check.max)
        case MinimumCheck():
            demand = f"at least {check.at_least:g}"
        case PatternCheck():
            demand = f"matches `{check.regex}`"
    return f"`{check.column}` {demand}"


def bound(check: AbstractBound) -> str:
    """The bounds of a measured number, in words."""
    parts = []
    if check.at_least is not None:
        parts.append(f"at least {check.at_least:g}")
    if check.at_most is not None:
        parts.append(f"at most {check.at_most:g}")
    if check.equals is not None:
        within = f" ± {check.tolerance:g}" if check.tolerance else ""
        parts.append(f"equal to {check.equals:g}{within}")
    return " and ".join(parts)


def names(columns: Sequence[str]) -> str:
    """Column names as `a` and `b`."""
    return " and ".join(f"`{column}`" for column in columns)


def values(items: Sequence[Any]) -> str:
    """A few values, and how many more there are."""
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(str(item) for item in items[:_SHOWN]) + more


def _interval(low: Any, high: Any) -> str:
    """Two bounds in words; either may be missing."""
    least, most = (f"{end:g}" if isinstance(end, float) else str(end) for end in (low, high))
    if high is None:
        return f"at least {least}"
    if low is None:
        return f"at most {most}"
    return f"exactly {least}" if low == high else f"{least} to {most}"
