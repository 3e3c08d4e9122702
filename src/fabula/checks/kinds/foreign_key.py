"""Values that exist in another table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.checks.data import ROW_NUMBER, Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.relations import family_of_values, held_key, on_keys, rule_result
from fabula.checks.results import CheckResult
from fabula.kinds.base.sql import quoted
from fabula.kinds.base.wording import values
from fabula.kinds.checks.foreign_key import ForeignKeyCheck
from fabula.spec.tables import DatasetSpec


def foreign_key_result(
    spec: DatasetSpec, data: Data, table: str, check: ForeignKeyCheck
) -> CheckResult:
    """Whether every value of a column exists in the parent; null passes."""
    parent, held = held_key(spec, table, check.column, check.to)
    data.need(table, list(held))
    data.need(parent, list(held.values()))
    column, view, key = quoted(check.column), data.view(table), held[check.column]
    child, target = f"`{table}.{'+'.join(held)}`", f"`{parent}.{'+'.join(held.values())}`"
    rows, used = data.row(f"SELECT count(*), count({column}) FROM {view}")
    mine, theirs = family_of_values(data, table, check.column), family_of_values(data, parent, key)
    if used and mine != theirs and "nothing" not in (mine, theirs):
        message = f"{child} holds {mine} and {target} {theirs}: none of {used:,} values can match"
        return rule_result(table, check, rows=rows, failing=used, message=message)
    orphans = (
        f"FROM {view} AS c ANTI JOIN {data.view(parent)} AS p ON {on_keys(held, 'c', 'p')}"
        f" WHERE c.{column} IS NOT NULL"
    )
    (failing,) = data.row(f"SELECT count(*) {orphans}")
    if not failing:
        message = f"all {used:,} values of {child} exist in {target}"
        return rule_result(table, check, rows=rows, failing=0, message=message)
    examples = data.examples(f"SELECT DISTINCT c.{column} {orphans} ORDER BY ALL")
    lost = values([example[check.column] for example in examples])
    message = f"{failing:,} of {used:,} values of {child} don't exist in {target}: {lost}"
    return rule_result(table, check, rows=rows, failing=failing, message=message, examples=examples)


def orphan_rows(
    spec: DatasetSpec, data: Data, table: str, check: ForeignKeyCheck
) -> NDArray[np.int64]:
    """Numbers of the rows whose value does not exist in the parent."""
    parent, held = held_key(spec, table, check.column, check.to)
    key = held[check.column]
    column, number = quoted(check.column), quoted(ROW_NUMBER)
    if family_of_values(data, table, check.column) != family_of_values(data, parent, key):
        return data.numbers(
            table, [check.column], f"SELECT {number} FROM numbered WHERE {column} IS NOT NULL"
        )
    return data.numbers(
        table,
        list(held),
        f"SELECT c.{number} FROM numbered AS c ANTI JOIN {data.view(parent)} AS p"
        f" ON {on_keys(held, 'c', 'p')} WHERE c.{column} IS NOT NULL",
    )


EVALUATIONS.register("foreign_key", Evaluation(foreign_key_result, orphan_rows))
