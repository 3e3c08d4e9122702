"""Results of checks as people read them: a line, a list, a table of a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fabula.checks.results import CheckResult, CheckResults
from fabula.render import amounts
from fabula.render.pages import chip, worded


def checks_line(checks: CheckResults) -> str:
    """`9 passed`, `8 passed, 1 FAILED`, `8 passed, 1 not judged`, or `none`."""
    if not len(checks):
        return "Checks: none"
    failed = len(checks.failed)
    open_ = sum(not result.judged for result in checks)
    parts = [f"{len(checks) - failed - open_} passed"]
    parts += [f"{failed} FAILED"] if failed else []
    parts += [f"{open_} not judged: too few rows"] if open_ else []
    return f"Checks: {', '.join(parts)}"


def checks_text(checks: CheckResults) -> str:
    """Every check with its verdict."""
    return "\n".join([checks_line(checks), *(f"  {verdict_line(result)}" for result in checks)])


def verdict_line(result: CheckResult) -> str:
    """One check: its verdict, its table, its rule, what was repaired."""
    repaired = f" ({result.repair}: {result.repaired:,})" if result.repaired else ""
    return f"{result.verdict}  {result.table}: {result.message or result.name}{repaired}"


def checks_table(results: Iterable[CheckResult]) -> tuple[Any, ...]:
    """Columns, rows that lead, rows that passed, and what is said of these."""
    rows: dict[bool, list[list[Any]]] = {True: [], False: []}
    for check in results:
        passed = check.passed if check.judged else None
        broken = f"{check.failing:,} of {check.rows:,}" if check.failing else ""
        repaired = f"{check.repair}: {check.repaired:,}" if check.repaired else ""
        rows[passed is True].append(
            [chip(check.verdict, passed), check.table, worded(check.message or check.name),
             broken or repaired]
        )  # fmt: skip
    head = [("", ""), ("table", ""), ("rule", "say"), ("offending rows", "n")]
    return head, rows[False], rows[True], f"{amounts.count(len(rows[True]), 'check')} passed"
