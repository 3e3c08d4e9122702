"""Rules on rows while a model is asked: it is told them, and what each answer broke.

The rules are the table's row checks, and the class that the table was made from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from fabula.checks.conditions import condition
from fabula.checks.naming import rule as in_words
from fabula.engines.expressions import evaluate
from fabula.engines.fields import column_of
from fabula.inference.row_classes import row_problems
from fabula.llm.rows.job import RowCheck
from fabula.llm.rows.wording import as_json
from fabula.planning.expressions import parse_expression
from fabula.planning.parents import is_of_one_row
from fabula.planning.plan import TablePlan
from fabula.spec.checks import Check


def told_rules(plan: TablePlan, asked: Collection[str]) -> str:
    """The row checks on asked columns, in words for the model; empty where there are none."""
    rules = [in_words(check) for check, needs in _rules(plan) if needs & set(asked)]
    return f"Every row must keep these rules: {'; '.join(rules)}" if rules else ""


@dataclass(frozen=True)
class AnswerCheck:
    """What answers are held against.

    Attributes:
        check: Takes a row, returns the rules that it breaks in words; None without rules.
        needs: Columns that are no part of the answer and that the rules look at.
    """

    check: RowCheck | None
    needs: tuple[str, ...] = ()


def answer_check(
    plan: TablePlan, asked: Collection[str], made: Collection[str], row_class: type | None
) -> AnswerCheck:
    """A check of one answer by the rules whose rows are to be made again, and by a class.

    Args:
        plan: The table.
        asked: The columns that the model gives.
        made: The columns that a row has before.
        row_class: The class that the table was made from.
    """
    checks = [_rule_check(plan, asked, made), _class_check(plan, asked, row_class)]
    found = [check for check in checks if check is not None]
    if not found:
        return AnswerCheck(None)

    def problems(row: dict[str, Any]) -> Sequence[str]:
        return [problem for check in found for problem in check(row)]

    needs = {need for _, names in _repaired(plan, asked, made) for need in names}
    if row_class is not None:
        needs |= {name for name in plan.columns if name in made}
    return AnswerCheck(problems, tuple(sorted(needs - set(asked))))


def _class_check(
    plan: TablePlan, asked: Collection[str], row_class: type | None
) -> RowCheck | None:
    """A check by the validators of a class, as far as the row goes."""
    if row_class is None:
        return None

    def problems(row: dict[str, Any]) -> Sequence[str]:
        kept = {name: value for name, value in row.items() if name in plan.columns}
        typed = {name: _as_written(plan, name, value) for name, value in kept.items()}
        return row_problems(row_class, typed, asked)

    return problems


def _as_written(plan: TablePlan, name: str, value: Any) -> Any:
    """A value as it comes out of its column, where the class has the last word."""
    return column_of(plan.columns[name], [value])[0].as_py()


def _repaired(
    plan: TablePlan, asked: Collection[str], made: Collection[str]
) -> list[tuple[Check, set[str]]]:
    """The rules on asked columns whose rows are to be made again, if the row has all they need."""
    here = {*asked, *made}
    return [
        (check, needs)
        for check, needs in _rules(plan)
        if check.repair == "resample" and needs & set(asked) and needs <= here
    ]


def _rule_check(plan: TablePlan, asked: Collection[str], made: Collection[str]) -> RowCheck | None:
    rules = [
        (in_words(check), parse_expression(condition(check)).sql, needs)
        for check, needs in _repaired(plan, asked, made)
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
    checks = [check for check in plan.spec.checks if is_of_one_row(check, plan.spec)]
    return [(check, set(parse_expression(condition(check)).needs)) for check in checks]
