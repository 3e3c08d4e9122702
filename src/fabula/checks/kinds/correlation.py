"""Correlations of two columns."""

from __future__ import annotations

import math

from fabula.checks.data import Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.measured import condition_over, measured
from fabula.checks.results import CheckResult
from fabula.kinds.base.sql import quoted
from fabula.kinds.base.wording import names
from fabula.kinds.checks.correlation import CorrelationCheck
from fabula.spec.tables import DatasetSpec


def correlation_result(
    spec: DatasetSpec, data: Data, table: str, check: CorrelationCheck
) -> CheckResult:
    """The correlation of two columns over the rows where both are known."""
    del spec
    data.need(table, check.columns)
    first, second = (f"TRY_CAST({quoted(column)} AS DOUBLE)" for column in check.columns)
    known = [f"{quoted(column)} IS NOT NULL" for column in check.columns]
    if check.where is not None:
        known.append(condition_over(data, table, check.where))
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
    return measured(table, check, what, rows=rows, value=value, reason=reason)


def _rank(column: str) -> str:
    """The rank of each value, equal values sharing their mean rank."""
    return f"rank() OVER (ORDER BY {column}) + (count(*) OVER (PARTITION BY {column}) - 1) / 2"


EVALUATIONS.register("correlation", Evaluation(correlation_result))
