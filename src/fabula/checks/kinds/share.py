"""Shares of rows."""

from __future__ import annotations

import math
from dataclasses import replace

from fabula.checks.data import Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.measured import condition_over, measured
from fabula.checks.results import CheckResult
from fabula.kinds.base.sql import equals
from fabula.kinds.checks.share import ShareCheck
from fabula.spec.tables import DatasetSpec

_ROUNDING = 1e-9
_FEW_ROWS = 100
"""From that many rows on, a share that can be met is judged, however narrow its bounds."""


def share_result(spec: DatasetSpec, data: Data, table: str, check: ShareCheck) -> CheckResult:
    """The share of rows that hold a value or meet a condition."""
    del spec
    if check.sql is not None:
        test, what = f"coalesce({condition_over(data, table, check.sql)}, FALSE)", check.sql
    else:
        assert check.column is not None
        data.need(table, [check.column])
        test, what = equals(check.column, check.value), f"`{check.column}` = {check.value}"
    view = data.view(table)
    met, rows = data.row(f"SELECT count(*) FILTER ({test}), count(*) FROM {view}")
    result = measured(
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
        f"{what} is {result.value:.4g}, not judged ({check.bound_in_words()}): "
        f"{result.rows:,} {'row is' if result.rows == 1 else 'rows are'} too few"
        + (f" to tell, {least:,} are enough" if least else "")
    )
    return replace(result, passed=True, judged=False, failing=0, message=message)


EVALUATIONS.register("share", Evaluation(share_result))
