"""Columns that follow from others of their row: computed ones, and those with a higher value."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlglot import exp

from fabula.inference.guesses import START
from fabula.kinds.base.columns import AbstractColumn, AbstractNumber
from fabula.kinds.base.sql import quoted
from fabula.kinds.datetime import Datetime
from fabula.kinds.expr import Expr
from fabula.kinds.uniform import Uniform


def computed(
    columns: Mapping[str, AbstractColumn], condition: exp.EQ, kept: Collection[str]
) -> tuple[str, Expr] | None:
    """The number that a condition computes from other columns; None where it does not.

    Args:
        columns: The columns of the table.
        condition: The condition.
        kept: Columns that stay as they are.
    """
    names = {name.lower(): name for name in columns}
    sides = (condition.this, condition.expression)
    for one, other in (sides, sides[::-1]):
        name = names.get(one.name.lower(), "") if isinstance(one, exp.Column) else ""
        needs = {names.get(node.name.lower(), "") for node in other.find_all(exp.Column)}
        column = columns.get(name)
        free = name not in kept and not needs & {name, "", *kept}
        if isinstance(column, AbstractNumber) and needs and free:
            sql = f"round({other.sql('duckdb')}, {column.decimals or 0})"
            return name, Expr(sql=sql, description=column.description)
    return None


def follow(
    columns: Mapping[str, AbstractColumn], later: str, earlier: str, *, equal: bool, bounded: bool
) -> dict[str, AbstractColumn]:
    """The columns that change so that one of them follows the other; none where neither can.

    Args:
        columns: The columns of the table.
        later: The column with the higher value.
        earlier: The column with the lower one.
        equal: Whether both may be equal.
        bounded: Whether conditions bound the later one, too.
    """
    after, before = columns.get(later), columns.get(earlier)
    if isinstance(after, Datetime) and isinstance(before, Datetime):
        if after.end is None or bounded:
            return {}
        step = "" if equal else f" + INTERVAL 1 {'DAY' if after.date else 'SECOND'}"
        start = f"coalesce({quoted(earlier)}, DATE '{START}'){step}"
        changed = {"start": start, "end": None, "within": "60d"}
        return {later: after.model_copy(update=changed)}
    if not isinstance(after, AbstractNumber) or not isinstance(before, AbstractNumber):
        return {}
    if after.unique or before.unique:
        return {}
    step_size = 0.0 if equal else 10.0 ** -(after.decimals or 0)
    if isinstance(after, Uniform):
        return _start_there(after, before, later, earlier, step_size)
    if isinstance(before, Uniform):
        return _end_there(after, before, later, earlier, step_size)
    return {}


def _start_there(
    after: Uniform, before: AbstractNumber, later: str, earlier: str, step: float
) -> dict[str, AbstractColumn]:
    """The later number between the earlier one and its own end, which the earlier one keeps."""
    (low, high), (least, most) = after.limits, before.limits
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return {}
    end = round(high - step, 9)
    if isinstance(before.max, str) or (isinstance(least, int | float) and least >= end):
        return {}
    shifted = f"{quoted(earlier)} + {step:g}" if step else quoted(earlier)
    start = f"greatest(coalesce({shifted}, {low}), {low})"
    made: dict[str, AbstractColumn] = {later: after.model_copy(update={"min": start})}
    if not isinstance(most, int | float) or most > end:
        made[earlier] = before.model_copy(update={"max": _like(end, before)})
    return made


def _end_there(
    after: AbstractNumber, before: Uniform, later: str, earlier: str, step: float
) -> dict[str, AbstractColumn]:
    """The earlier number between its own start and the later one, which is never below that."""
    (low, high), (least, _) = before.limits, after.limits
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return {}
    start = round(low + step, 9)
    if isinstance(after.min, str) or isinstance(after.max, str):
        return {}
    shifted = f"{quoted(later)} - {step:g}" if step else quoted(later)
    end = f"least(coalesce({shifted}, {high}), {high})"
    made: dict[str, AbstractColumn] = {earlier: before.model_copy(update={"max": end})}
    if not isinstance(least, int | float) or least < start:
        made[later] = after.model_copy(update={"min": _like(start, after)})
    return made


def _like(bound: float, column: AbstractNumber) -> float:
    return int(bound) if column.decimals == 0 else bound
