"""Numbers of rows that refer to a row."""

from __future__ import annotations

from fabula.checks.data import Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.relations import children_of, rule_result, shown_key, with_children
from fabula.checks.results import CheckResult
from fabula.kinds.base.sql import quoted
from fabula.kinds.base.wording import values
from fabula.kinds.checks.count import CountCheck
from fabula.spec.tables import DatasetSpec


def count_result(spec: DatasetSpec, data: Data, table: str, check: CountCheck) -> CheckResult:
    """Whether each row has as many children as it should, none included."""
    held = children_of(spec, data, table, check.of)
    listed = ", ".join(f"p.{quoted(key)}" for key in held.values())
    counted = (
        f"SELECT {listed}, coalesce(c.value, 0) AS children"
        f" FROM {with_children(data, table, check.of, held, 'count(*)')}"
    )
    most = "" if check.max is None else f" OR children > {check.max}"
    outside = f"children < {check.min}{most}"
    rows, failing, low, high = data.row(
        f"SELECT count(*), count(*) FILTER ({outside}), min(children), max(children)"
        f" FROM ({counted})"
    )
    if not failing:
        message = (
            f"each of {rows:,} rows has {low} to {high} rows in `{check.of}`"
            if rows
            else (f"`{table}` has no rows")
        )
        return rule_result(table, check, rows=rows, failing=0, message=message)
    examples = data.examples(f"SELECT * FROM ({counted}) WHERE {outside} ORDER BY ALL")
    shown = values([f"{shown_key(item, held)} has {item['children']}" for item in examples])
    key = ", ".join(held.values())
    message = f"{failing:,} of {rows:,} rows break the rule: {check.in_words()}: `{key}` {shown}"
    return rule_result(table, check, rows=rows, failing=failing, message=message, examples=examples)


EVALUATIONS.register("count", Evaluation(count_result))
