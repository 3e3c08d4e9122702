"""Rules on rows while a model is asked: it is told them, and what each answer broke.

The rules are the table's row checks, its relations between rows, and the class that the table was
made from. A row that breaks a rule is requested again. Where the rule's rows are to be made again,
one that breaks it to the last is lost; else the finished table's check has the last word.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fabula.engines.asked_relations import relation_check, relations_of, told_relation
from fabula.engines.expressions import evaluate
from fabula.engines.fields import column_of
from fabula.functions.calling import broken_rows
from fabula.inference.row_classes import row_problems
from fabula.io.expressions import parse_expression
from fabula.kinds.checks import Check
from fabula.kinds.checks.function import FunctionCheck
from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import RowProblems, TableCheck
from fabula.planning.parents import is_of_one_row
from fabula.planning.plan import TablePlan


def told_rules(plan: TablePlan, asked: Collection[str]) -> str:
    """The row checks on asked columns, in words for the model; empty if there are none."""
    rules = [check.in_words() for check, needs in _rules(plan) if needs & set(asked)]
    relations = [told_relation(check) for check, _ in relations_of(plan, asked)]
    told = [f"Every row must keep these rules: {'; '.join(rules)}"] if rules else []
    told += [f"All rows together must keep these rules: {'; '.join(relations)}"] * bool(relations)
    return "\n".join(told)


@dataclass(frozen=True)
class AnswerCheck:
    """What answers are compared with.

    Attributes:
        check: Takes a row, returns the rules that it breaks in words; None without rules.
        needs: Columns that are not a part of the answer and that the rules look at.
        soft: As `check`, by the rules whose breach does not lose a row.
        table: As `soft`, by the rules on all rows together.
    """

    check: RowProblems | None
    needs: tuple[str, ...] = ()
    soft: RowProblems | None = None
    table: TableCheck | None = None


def answer_check(
    plan: TablePlan, asked: Collection[str], made: Collection[str], row_class: type | None
) -> AnswerCheck:
    """A check of answers by the table's rules, and by a class."""
    hard, soft = _rules_here(plan, asked, made)
    checks = [_size_check(plan, asked), _rule_check(plan, hard)]
    checks.append(_class_check(plan, asked, row_class))
    found = [check for check in checks if check is not None]

    def problems(row: dict[str, Any]) -> Sequence[str]:
        return [problem for check in found for problem in check(row)]

    table, related = relation_check(plan, asked, {*asked, *made})
    needs = {need for _, names in (*hard, *soft) for need in names} | related
    if row_class is not None:
        needs |= {name for name in plan.columns if name in made}
    return AnswerCheck(
        problems if found else None,
        tuple(sorted(needs - set(asked))),
        _rule_check(plan, soft),
        table,
    )


def _size_check(plan: TablePlan, asked: Collection[str]) -> RowProblems | None:
    """A check that whole numbers fit into their columns."""
    kinds = {name: plan.columns[name].type for name in asked}
    whole = [name for name, kind in kinds.items() if "int" in str(kind)]

    def problems(row: dict[str, Any]) -> Sequence[str]:
        return [
            f"`{name}`: {value} needs more than 64 bits"
            for name in whole
            for value in (row[name] if isinstance(row[name], list) else [row[name]])
            if isinstance(value, int) and not -(2**63) <= value < 2**63
        ]

    return problems if whole else None


def _class_check(
    plan: TablePlan, asked: Collection[str], row_class: type | None
) -> RowProblems | None:
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


Rules: TypeAlias = list[tuple[Check, set[str]]]


def _rules_here(
    plan: TablePlan, asked: Collection[str], made: Collection[str]
) -> tuple[Rules, Rules]:
    """The rules whose columns are there: those that lose a row, and the others."""
    here = {*asked, *made}
    rules = [(c, needs) for c, needs in _rules(plan) if needs & set(asked) and needs <= here]
    hard = [(check, needs) for check, needs in rules if check.repair == "resample"]
    return hard, [rule for rule in rules if rule not in hard]


def _rule_check(plan: TablePlan, kept: Rules) -> RowProblems | None:
    if not kept:
        return None
    where = f"tables.{plan.name}.checks"
    queries = {
        str(i): f"({parse_expression(check.condition()).sql}) IS FALSE"
        for i, (check, _) in enumerate(kept)
        if not check.in_python
    }
    needed = sorted({need for _, needs in kept for need in needs})

    def problems(row: dict[str, Any]) -> Sequence[str]:
        values = {name: column_of(plan.columns[name], [row.get(name)]) for name in needed}
        found = evaluate(queries, values, 1, where=where) if queries else {}
        broken = [
            broken_rows(check, values, rows=1, start=0, where=where)[0]
            if isinstance(check, FunctionCheck)
            else found[str(i)][0].as_py()
            for i, (check, _) in enumerate(kept)
        ]
        return [
            f"{check.in_words()} does not hold for "
            + ", ".join(f"{name} = {as_json(row.get(name))}" for name in sorted(needs))
            for (check, needs), wrong in zip(kept, broken, strict=True)
            if wrong
        ]

    return problems


def _rules(plan: TablePlan) -> list[tuple[Check, set[str]]]:
    """The checks that one row passes or fails by itself, with the columns that they need."""
    checks = [check for check in plan.spec.checks if is_of_one_row(check, plan.spec)]
    return [
        (
            check,
            set(check.looks_at if check.in_python else parse_expression(check.condition()).needs),
        )
        for check in checks
    ]
