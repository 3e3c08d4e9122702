"""Rules that contradict each other, found in bounded time before a run."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fabula.checks.contradictions import impossible_rules
from fabula.planning.planner import make_plan
from fabula.spec.tables import DatasetSpec

NORMAL = {"kind": "normal", "mean": 0, "std": 1}
COLUMNS: dict[str, Any] = {
    "a": NORMAL,
    "b": NORMAL,
    "c": {**NORMAL, "nulls": 0.5},
    "price": {"kind": "uniform", "min": 0, "max": 100, "decimals": 2},
    "size": {"kind": "choice", "values": [1, 2, 3]},
    "status": {"kind": "choice", "values": ["new", "paid"]},
    "day": {"kind": "datetime", "start": "2024-01-01", "end": "2025-01-01"},
}


def problems(*checks: dict[str, Any] | str, n: int = 20) -> list[str]:
    rules = [{"kind": "row", "sql": c} if isinstance(c, str) else c for c in checks]
    spec = DatasetSpec.model_validate(
        {"tables": {"t": {"n": n, "columns": COLUMNS, "checks": rules}}}
    )
    return [problem.message for problem in impossible_rules(make_plan(spec))]


def in_set(column: str, *values: Any) -> dict[str, Any]:
    return {"kind": "in_set", "column": column, "values": values}


@pytest.mark.parametrize(
    "checks",
    [
        ["a > b", "b > a"],
        ["a > b", "b >= a"],
        ["a > b AND b > a"],
        ["a >= b + 1", "b >= a"],
        ["a < b", "b < price", "price < a"],
        ["a = b", "a > b + 1"],
        ["a BETWEEN 1 AND 2", "2 < a"],
        ["price > 1000"],
        ["price + 5 < 0"],
        ["day >= TIMESTAMP '2026-01-01'"],
        [{"kind": "range", "column": "a", "min": 5, "max": 1}],
        [{"kind": "range", "column": "a", "min": 5}, {"kind": "range", "column": "a", "max": 1}],
        [{"kind": "range", "column": "day", "max": "2020-01-01"}],
        [in_set("a", 1, 2), {"kind": "range", "column": "a", "min": 3}],
        [in_set("a", 1, 5), {"kind": "range", "column": "a", "min": 2, "max": 4}],
        [in_set("status", "sent", "gone")],
        [in_set("size", "1", "2")],
        [in_set("size", 1, 2), in_set("size", 3)],
        ["size > 3", in_set("size", 1, 2, 3)],
    ],
)
def test_rules_that_no_row_can_keep_are_named_together(checks: list[Any]) -> None:
    """A > b and b > a, and their kin."""
    (message,) = problems(*checks)
    assert message.startswith("no row of `t` can keep these together: ")
    for check in checks:
        assert isinstance(check, dict) or check in message


@pytest.mark.parametrize(
    "checks",
    [
        ["a > b", "b > c"],
        ["a >= b", "b >= a"],
        ["a > b OR b > a", "b > a"],
        ["NOT (a > b)", "NOT (b > a)"],
        ["c > a", "a > c"],  # rows with a null keep both
        ["price > 99.99", "price <= 100"],
        ["abs(a) > 5", "a < 1"],
        ["price >= 100"],
        [in_set("size", 3, 4), "size >= 3"],
        [in_set("status", "new")],
        ["day < TIMESTAMP '2024-01-01 00:00:01'"],
        ["a > b * 2", "b > a * 2"],
    ],
)
def test_rules_that_some_row_can_keep_pass(checks: list[Any]) -> None:
    """No false alarm."""
    assert problems(*checks) == []


def test_uniqueness_over_too_few_values_is_named() -> None:
    """Unique over 3 values with 4 rows."""
    check = {"kind": "unique", "columns": ["size"]}
    assert problems(check, n=3) == []
    (message,) = problems(check, n=4)
    assert message == "only 3 distinct values of `size` for 4 rows that must differ"


def test_many_rules_are_judged_in_bounded_time() -> None:
    """100 rules that form one long cycle."""
    columns = {f"c{i}": NORMAL for i in range(100)}
    checks = [{"kind": "row", "sql": f"c{i} < c{(i + 1) % 100}"} for i in range(100)]
    spec = DatasetSpec.model_validate(
        {"tables": {"t": {"n": 1, "columns": columns, "checks": checks}}}
    )
    plan = make_plan(spec)
    start = time.process_time()
    (problem,) = impossible_rules(plan)
    assert time.process_time() - start < 2
    assert "c0 < c1" in problem.message
    assert problem.where == "tables.t.checks.0"


def test_children_without_a_reference_can_not_be_counted() -> None:
    """Named before the run, with the column that is missing."""
    (message,) = problems({"kind": "count", "of": "t", "min": 1})
    assert message == "`t` has no reference to `t`, so its rows can't be counted there"
