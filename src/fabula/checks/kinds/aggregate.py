"""Columns that sum up what refers to a row."""

from __future__ import annotations

from fabula.checks.data import Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.relations import (
    children_of,
    family_of_values,
    rule_result,
    shown_key,
    with_children,
)
from fabula.checks.results import CheckResult
from fabula.io.expressions import parse_expression
from fabula.kinds.base.sql import quoted
from fabula.kinds.base.wording import values
from fabula.kinds.checks.aggregate import AggregateCheck
from fabula.spec.tables import DatasetSpec

_ROUNDING = 1e-9


def aggregate_result(
    spec: DatasetSpec, data: Data, table: str, check: AggregateCheck
) -> CheckResult:
    """Whether a column tells the truth about each row's children."""
    child, _, value = check.of.partition(".")
    held = children_of(spec, data, table, child, check.by)
    data.need(table, [check.column])
    of = _combined(spec, data, child, value) if value else "*"
    function = "avg" if check.function == "mean" else check.function
    usual = "zero" if check.function in ("count", "sum") else "missing"
    column = quoted(check.column)
    nothing = {"zero": "0", "missing": "NULL", "any": f"p.{column}"}[check.empty or usual]
    listed = ", ".join(f"p.{quoted(key)}" for key in held.values())
    compared = (
        f"SELECT {listed}, p.{column}, coalesce(c.value, {nothing}) AS actual"
        f" FROM {with_children(data, table, child, held, f'{function}({of})')}"
    )
    differs = _differs(column, "actual", check.tolerance)
    if family_of_values(data, table, check.column) != "numbers":
        differs = f"{column} IS DISTINCT FROM actual"
    rows, failing = data.row(f"SELECT count(*), count(*) FILTER ({differs}) FROM ({compared})")
    if not failing:
        message = f"all {rows:,} rows satisfy the rule: {check.in_words()}"
        return rule_result(table, check, rows=rows, failing=0, message=message)
    examples = data.examples(f"SELECT * FROM ({compared}) WHERE {differs} ORDER BY ALL")
    shown = values(
        [f"{shown_key(item, held)} says {item[check.column]}, not {item['actual']}"
         for item in examples]
    )  # fmt: skip
    key = ", ".join(held.values())
    message = f"{failing:,} of {rows:,} rows break the rule: {check.in_words()}: `{key}` {shown}"
    return rule_result(table, check, rows=rows, failing=failing, message=message, examples=examples)


def _combined(spec: DatasetSpec, data: Data, child: str, value: str) -> str:
    """What is combined of each child: a column, or an expression over its row."""
    if value in spec.tables[child].columns:
        data.need(child, [value])
        return quoted(value)
    parsed = parse_expression(value)
    data.need(child, parsed.needs)
    return parsed.sql


def _differs(stated: str, actual: str, tolerance: float) -> str:
    """True if two numbers are apart, or only one is known."""
    near = f"abs({stated} - {actual}) <= {tolerance} + {_ROUNDING} * abs({actual})"
    return f"NOT coalesce({near}, {stated} IS NULL AND {actual} IS NULL)"


EVALUATIONS.register("aggregate", Evaluation(aggregate_result))
