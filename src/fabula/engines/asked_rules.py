"""Row checks while a model is asked: it is told the rules, and what each answer broke."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from fabula.checks.conditions import condition
from fabula.checks.naming import rule as in_words
from fabula.engines.expressions import evaluate
from fabula.engines.fields import column_of
from fabula.llm.rows.job import RowCheck
from fabula.llm.rows.wording import as_json
from fabula.planning.expressions import parse_expression
from fabula.planning.plan import TablePlan
from fabula.spec.checks import ROW_CHECKS, Check


def told_rules(plan: TablePlan, asked: Collection[str]) -> str:
    """The row checks on asked columns, in words for the model; empty where there are none."""
    rules = [in_words(check) for check, needs in _rules(plan) if needs & set(asked)]
    return f"Every row must keep these rules: {'; '.join(rules)}" if rules else ""


def rule_check(plan: TablePlan, asked: Collection[str], known: Collection[str]) -> RowCheck | None:
    """A check of one answer by the rules whose rows are to be made again; None without such.

    Args:
        plan: The table.
        asked: The columns that the model gives.
        known: The columns that a row has before.
    """
    here = {*asked, *known}
    rules = [
        (in_words(check), parse_expression(condition(check)).sql, needs)
        for check, needs in _rules(plan)
        if check.repair == "resample" and needs & set(asked) and needs <= here
    ]
    if not rules:
        return None
    queries = {words: f"({sql}) IS FALSE" for words, sql, _ in rules}
    needed = sorted({need for _, _, needs in rules for need in needs})

    def problems(row: dict[str, Any]) -> Sequence[str]:
        values = {name: column_of(plan.columns[name], [row.get(name)]) for name in needed}
        broken = evaluate(queries, values, 1, where=f"tables.{plan.name}.checks")
        return [
            f"{words} does not hold for "
            + ", ".join(f"{name} = {as_json(row.get(name))}" for name in sorted(needs))
            for words, _, needs in rules
            if broken[words][0].as_py()
        ]

    return problems


def _rules(plan: TablePlan) -> list[tuple[Check, set[str]]]:
    """The checks that one row passes or fails by itself, with the columns that they need."""
    checks = [check for check in plan.spec.checks if isinstance(check, ROW_CHECKS)]
    return [(check, set(parse_expression(condition(check)).needs)) for check in checks]
