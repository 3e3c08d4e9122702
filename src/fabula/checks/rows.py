"""Row-level checks over data at rest; in a run, blocks are checked while they are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.checks.data import Data
from fabula.checks.relations import with_parents
from fabula.checks.results import CheckResult
from fabula.io.expressions import parse_expression
from fabula.kinds.checks import Check
from fabula.planning.parents import parent_columns, references_of
from fabula.spec.tables import DatasetSpec


def row_result(spec: DatasetSpec, data: Data, table: str, check: Check) -> CheckResult:
    """How a row-level check does on all rows of a table."""
    asked = spec.tables[table]
    parsed = parse_expression(check.condition(), references_of(asked))
    above = parent_columns(parsed, asked)
    names = {f"{reference}.{column}" for reference, column in above}
    data.need(table, [need for need in parsed.needs if need not in names])
    view = with_parents(spec, data, table, above) if above else data.view(table)
    broken = f"NOT coalesce({parsed.sql}, TRUE)"
    rows, failing = data.row(f"SELECT count(*), count(*) FILTER ({broken}) FROM {view}")
    examples = data.examples(f"SELECT * FROM {view} WHERE {broken}") if failing else ()
    return rows_verdict(table, check, rows=rows, failing=failing, examples=examples)


def rows_verdict(
    table: str,
    check: Check,
    *,
    rows: int,
    failing: int,
    repaired: int = 0,
    examples: tuple[Mapping[str, Any], ...] = (),
) -> CheckResult:
    """The result of a row-level check from its counts."""
    message = f"all {rows:,} rows satisfy the rule: {check.in_words()}"
    if failing:
        message = f"{failing:,} of {rows:,} rows break the rule: {check.in_words()}"
    if repaired:
        message += f" ({repaired:,} {'dropped' if check.repair == 'drop' else 'drawn again'})"
    return CheckResult.of(
        table,
        check,
        message,
        failing=failing,
        value=float(failing),
        expected="no row breaks it",
        rows=rows,
        examples=examples,
        repaired=repaired,
    )
