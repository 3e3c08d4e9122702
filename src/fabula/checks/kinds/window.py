"""Conditions on a row and its table's other rows."""

from __future__ import annotations

from fabula.checks.data import Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.results import CheckResult
from fabula.checks.rows import rows_verdict
from fabula.io.expressions import parse_expression
from fabula.kinds.checks.window import WindowCheck
from fabula.spec.tables import DatasetSpec


def window_result(spec: DatasetSpec, data: Data, table: str, check: WindowCheck) -> CheckResult:
    """How a rule over other rows does on all rows of a table."""
    del spec
    parsed = parse_expression(check.condition(), across=True)
    data.need(table, parsed.needs)
    view = data.view(table)
    kept = f"SELECT {parsed.sql} AS kept FROM {view}"
    broken = "NOT coalesce(kept, TRUE)"
    rows, failing = data.row(f"SELECT count(*), count(*) FILTER ({broken}) FROM ({kept})")
    query = f"SELECT * FROM {view} QUALIFY NOT coalesce({parsed.sql}, TRUE)"
    examples = data.examples(query) if failing else ()
    return rows_verdict(table, check, rows=rows, failing=failing, examples=examples)


EVALUATIONS.register("window", Evaluation(window_result))
