"""Row-level checks as SQL conditions, and their verdicts on data at rest."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from fabula.checks.evaluate import evaluate
from fabula.checks.results import CheckResult
from fabula.spec.tables import DatasetSpec

ROWS = {
    "id": [1, 2, 3, 4],
    "price": [5.0, 250.0, None, float("nan")],
    "status": pa.array(["new", "paid", None, "it's"]).dictionary_encode(),
    "code": ["AB-1", "AB-12", None, "ab-1"],
    "day": [dt.date(2024, 1, 1), dt.date(2025, 1, 1), None, dt.date(2026, 1, 1)],
    "end": [dt.date(2024, 2, 1), dt.date(2024, 12, 31), None, dt.date(2026, 1, 1)],
    'odd "name"': [True, False, None, True],
}


def result_of(check: dict[str, Any], rows: dict[str, Any] | pa.Table = ROWS) -> CheckResult:
    table = rows if isinstance(rows, pa.Table) else pa.table(rows)
    columns = {name: {"kind": "uniform", "min": 0, "max": 1} for name in ROWS}
    spec = DatasetSpec.model_validate({"tables": {"t": {"columns": columns, "checks": [check]}}})
    (result,) = evaluate(spec, {"t": table})
    return result


@pytest.mark.parametrize(
    ("check", "failing"),
    [
        ({"kind": "row", "sql": "price > 10 -- cheap ones are wrong"}, 1),
        ({"kind": "row", "sql": 'day < "end"'}, 2),
        ({"kind": "not_null", "column": "price"}, 1),
        ({"kind": "not_null", "column": 'odd "name"'}, 1),
        ({"kind": "in_set", "column": "status", "values": ["new", "paid"]}, 1),
        ({"kind": "in_set", "column": "status", "values": ["new", "paid", "it's"]}, 0),
        ({"kind": "in_set", "column": "id", "values": [1, 2, 3]}, 1),
        ({"kind": "in_set", "column": "id", "values": ["1", "2"]}, 2),
        ({"kind": "in_set", "column": "code", "values": [1, 2]}, 3),
        ({"kind": "in_set", "column": 'odd "name"', "values": [True]}, 1),
        ({"kind": "in_set", "column": "day", "values": [dt.date(2024, 1, 1)]}, 2),
        ({"kind": "range", "column": "price", "min": 5, "max": 250}, 1),
        ({"kind": "range", "column": "id", "max": 3}, 1),
        ({"kind": "range", "column": "day", "min": "2024-06-01"}, 1),
        ({"kind": "range", "column": "day", "max": '"end" - INTERVAL 1 DAY'}, 2),
        ({"kind": "pattern", "column": "code", "regex": "[A-Z]{2}-[0-9]"}, 2),
        ({"kind": "pattern", "column": "code", "regex": "(?i)ab-[0-9]+"}, 0),
    ],
)
def test_a_row_check_counts_exactly_the_rows_that_break_it(
    check: dict[str, Any], failing: int
) -> None:
    """Null passes; NaN is not a value inside a range."""
    result = result_of(check)
    assert (result.failing, result.rows, result.passed) == (failing, 4, failing == 0)
    assert len(result.examples) == failing
    assert f"{failing} of 4 rows break the rule" in result.message or not failing


def test_values_of_a_check_never_become_sql() -> None:
    """(injection): a quote in a value or a name stays a value or a name."""
    evil = "x' OR TRUE --"
    result = result_of({"kind": "in_set", "column": "code", "values": [evil]})
    assert result.failing == 3
    check = {"kind": "not_null", "column": 'odd "name"'}
    spec = DatasetSpec.model_validate(
        {"tables": {"t": {"columns": {"a": {"kind": "key"}}, "checks": [check]}}}
    )
    assert spec.tables["t"].checks[0].condition() == '"odd ""name""" IS NOT NULL'


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ({"kind": "row", "sql": "price >"}, "SQL"),
        ({"kind": "row", "sql": "nothing > 1"}, "`t` has no column `nothing`"),
        ({"kind": "row", "sql": "nonsense(price)"}, "nonsense"),
        ({"kind": "row", "sql": "(SELECT count(*) FROM t0) > 1"}, "must not contain a query"),
        ({"kind": "row", "sql": "price > (SELECT 1 FROM read_csv('/etc/passwd'))"}, "query"),
        ({"kind": "range", "column": "gone", "min": 1}, "`t` has no column `gone`"),
    ],
)
def test_a_check_that_cannot_be_evaluated_fails_and_says_why(
    check: dict[str, Any], reason: str
) -> None:
    """Bad SQL and missing columns are named, never a traceback, never a pass."""
    result = result_of(check)
    assert not result.passed
    assert "can't be checked" in result.message
    assert reason in result.message


def test_checks_pass_on_a_table_without_rows() -> None:
    """(N = 0)."""
    table = pa.table(ROWS).slice(0, 0)
    assert result_of({"kind": "row", "sql": "price > 10"}, table).passed
    assert result_of({"kind": "unique", "columns": ["id"]}, table).passed
    assert not result_of({"kind": "share", "column": "id", "value": 1, "equals": 0.5}, table).passed
