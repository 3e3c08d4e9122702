"""Measured numbers with bounds: correlations and shares."""

from __future__ import annotations

import math
from dataclasses import replace

from fabula.checks.conditions import equals
from fabula.checks.data import Data
from fabula.checks.results import CheckResult
from fabula.checks.wording import bound, names
from fabula.io.sql import quoted
from fabula.planning.expressions import parse_expression
from fabula.spec.checks import CorrelationCheck, ShareCheck

_ROUNDING = 1e-9
_FEW_ROWS = 100
"""From that many rows on, a share that can be met is judged, however narrow its bounds."""


def correlation_result(data: Data, table: str, check: CorrelationCheck) -> CheckResult:
    """The correlation of two columns over the rows where both are known."""
    data.need(table, check.columns)
    first, second = (f"TRY_CAST({quoted(column)} AS DOUBLE)" for column in check.columns)
    known = [f"{quoted(column)} IS NOT NULL" for column in check.columns]
    if check.where is not None:
        known.append(_condition(data, table, check.where))
    pairs = f"SELECT {first} AS a, {second} AS b FROM {data.view(table)} WHERE "
    pairs += " AND ".join(known)
    if check.method == "spearman":
        pairs = f"SELECT {_rank('a')} AS a, {_rank('b')} AS b FROM ({pairs})"
    value, rows, used = data.row(f"SELECT corr(a, b), count(*), count(a + b) FROM ({pairs})")
    what = f"{check.method} correlation of {names(check.columns)}"
    if check.where is not None:
        what += f" where {check.where}"
    reason = "a column does not vary" if rows > 1 else "there are too few rows"
    if used < rows:
        value, reason = None, "a column holds no numbers"
    elif value is not None and not math.isfinite(value):
        value = None
    return _measured(table, check, what, rows=rows, value=value, reason=reason)


def share_result(data: Data, table: str, check: ShareCheck) -> CheckResult:
    """The share of rows that hold a value or meet a condition."""
    if check.sql is not None:
        test, what = f"coalesce({_condition(data, table, check.sql)}, FALSE)", check.sql
    else:
        assert check.column is not None
        data.need(table, [check.column])
        test, what = equals(check.column, check.value), f"`{check.column}` = {check.value}"
    view = data.view(table)
    met, rows = data.row(f"SELECT count(*) FILTER ({test}), count(*) FROM {view}")
    result = _measured(
        table,
        check,
        f"share of {what}",
        rows=rows,
        value=met / rows if rows else None,
        reason="there are no rows",
    )
    return result if result.passed or not rows else _judged(check, result, f"share of {what}")


def _judged(check: ShareCheck, result: CheckResult, what: str) -> CheckResult:
    """A broken share, taken back where so few rows miss it by chance as often as they meet it.

    The standard error of a share p of n rows is sqrt(p (1 - p) / n). Rows drawn with that share
    miss it by more than 0.67 of these in half of the cases, by more than 2.58 in one of a hundred.
    It is taken back below 100 rows, and at any number of rows of which no share is within bounds.
    Where rows are drawn again until they meet it, or it is asked exactly and can be met, it is
    judged.
    """
    p, tolerance = check.equals, check.tolerance
    if p is None or not 0 < p < 1 or check.repair == "resample":
        return result
    assert result.value is not None
    spread = math.sqrt(p * (1 - p))
    error = spread / math.sqrt(result.rows)
    low, high = result.rows * (p - tolerance), result.rows * (p + tolerance)
    out_of_reach = math.floor(high + _ROUNDING) < math.ceil(low - _ROUNDING)
    few = out_of_reach or (result.rows < _FEW_ROWS and 0.67 * error > tolerance > 0)
    if not few or abs(result.value - p) > tolerance + 2.58 * error:
        return result
    least = min(_FEW_ROWS, math.ceil((0.67 * spread / tolerance) ** 2)) if tolerance else 0
    message = (
        f"{what} is {result.value:.4g}, not judged ({bound(check)}): "
        f"{result.rows:,} {'row is' if result.rows == 1 else 'rows are'} too few"
        + (f" to tell, {least:,} are enough" if least else "")
    )
    return replace(result, passed=True, judged=False, failing=0, message=message)


def _measured(
    table: str,
    check: CorrelationCheck | ShareCheck,
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
            f" (asked: {bound(check)})" if passed else f", not {bound(check)}"
        )
    return CheckResult.of(
        table,
        check,
        f"{what} {found}",
        failing=0 if passed else 1,
        value=value,
        expected=bound(check),
        rows=rows,
    )


def _within(check: CorrelationCheck | ShareCheck, value: float) -> bool:
    low = -math.inf if check.at_least is None else check.at_least
    high = math.inf if check.at_most is None else check.at_most
    near = check.equals is None or abs(value - check.equals) <= check.tolerance + _ROUNDING
    return near and low - _ROUNDING <= value <= high + _ROUNDING


def _condition(data: Data, table: str, sql: str) -> str:
    """The user's condition, parsed, over columns that exist."""
    parsed = parse_expression(f"({sql}\n)")
    data.need(table, parsed.needs)
    return parsed.sql


def _rank(column: str) -> str:
    """The rank of each value, equal values sharing their mean rank."""
    return f"rank() OVER (ORDER BY {column}) + (count(*) OVER (PARTITION BY {column}) - 1) / 2"
