"""Measured numbers with bounds."""

from __future__ import annotations

import math

from fabula.checks.data import Data
from fabula.checks.results import CheckResult
from fabula.io.expressions import parse_expression
from fabula.kinds.base.checks import AbstractBound

_ROUNDING = 1e-9


def measured(
    table: str,
    check: AbstractBound,
    what: str,
    *,
    rows: int,
    value: float | None,
    reason: str,
) -> CheckResult:
    """The result of comparing a number with its bounds; `reason` tells why there is none."""
    passed = value is not None and _within(check, value)
    if value is None:
        found = f"has no value: {reason}"
    else:
        found = f"is {value:.4g}" + (
            f" (asked: {check.bound_in_words()})" if passed else f", not {check.bound_in_words()}"
        )
    return CheckResult.of(
        table,
        check,
        f"{what} {found}",
        failing=0 if passed else 1,
        value=value,
        expected=check.bound_in_words(),
        rows=rows,
    )


def _within(check: AbstractBound, value: float) -> bool:
    low = -math.inf if check.at_least is None else check.at_least
    high = math.inf if check.at_most is None else check.at_most
    near = check.equals is None or abs(value - check.equals) <= check.tolerance + _ROUNDING
    return near and low - _ROUNDING <= value <= high + _ROUNDING


def condition_over(data: Data, table: str, sql: str) -> str:
    """The user's condition, parsed, over columns that exist."""
    parsed = parse_expression(f"({sql}\n)")
    data.need(table, parsed.needs)
    return parsed.sql
