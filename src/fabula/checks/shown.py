"""Results of checks as rows of a page."""

from __future__ import annotations

from typing import Any

from fabula.checks.results import CheckResults


def check_rows(results: CheckResults) -> list[tuple[bool | None, list[Any]]]:
    """A row for each check with its verdict; None if it was not judged."""
    from fabula.render.pages import chip, worded  # most runs write no page

    rows = []
    for check in results:
        passed = check.passed if check.judged else None
        broken = f"{check.failing:,} of {check.rows:,}" if check.failing else ""
        repaired = f"{check.repair}: {check.repaired:,}" if check.repaired else ""
        said = worded(check.message or check.name)
        rows.append((passed, [chip(check.verdict, passed), check.table, said, broken or repaired]))
    return rows
