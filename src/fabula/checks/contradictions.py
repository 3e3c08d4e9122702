"""Rules that no row can keep, found before a run by looking at the rules alone.

Comparisons of columns with each other and with constants are differences with a bound
(`a > b` is `b - a < 0`), so a set of them can't hold together exactly when some of them add up
to `0 < 0` or less: a negative cycle in the graph of their bounds (Bellman-Ford). What a rule
says beyond such comparisons is left to the run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from fabula.checks.differences import Bound, bounds_of, cycle, number
from fabula.checks.relations import link_column
from fabula.errors import SpecError, Violation
from fabula.kinds.base.parameters import Scalar
from fabula.kinds.base.wording import interval, names, values
from fabula.kinds.checks import Check
from fabula.kinds.checks.unique import UniqueCheck
from fabula.planning.parents import is_of_one_row
from fabula.planning.plan import Plan, TablePlan


@dataclass(frozen=True)
class _Values:
    """The only values that a rule allows in a column."""

    column: str
    values: tuple[Scalar, ...]
    check: int | None
    told: str


def impossible_rules(plan: Plan) -> tuple[Violation, ...]:
    """Problems of checks that no run of the plan can meet."""
    return tuple(problem for table in plan.tables for problem in _table_problems(plan, table))


def possible(plan: Plan) -> Plan:
    """The plan, whose rules don't contradict each other.

    Raises:
        SpecError: They do; `violations` lists all of them.
    """
    if problems := impossible_rules(plan):
        raise SpecError(plan.spec.source.located(problems))
    return plan


def _table_problems(plan: Plan, table: TablePlan) -> Iterator[Violation]:
    checks = dict(enumerate(table.spec.checks))
    bounds = [*_column_bounds(table), *_check_bounds(checks, table)]
    clash = cycle([bound for bound in bounds if _always_there(table, bound.columns)])
    if any(bound.check is not None for bound in clash):
        yield _clash(table, clash)
    sets = [*_column_values(table), *_check_values(checks)]
    for column in dict.fromkeys(allowed.column for allowed in sets if allowed.check is not None):
        if _always_there(table, [column]):
            yield from _empty_set(table, [s for s in sets if s.column == column], bounds)
    for i, check in checks.items():
        if isinstance(check, UniqueCheck):
            yield from _too_few_values(plan, table, i, check)
        elif check.counts_children and check.other:
            child = check.other.partition(".")[0]
            if link_column(plan.spec, child, table.name) is None:
                yield Violation(
                    "check.impossible",
                    f"`{child}` has no reference to `{table.name}`, so its rows can't be counted"
                    " there",
                    f"tables.{table.name}.checks.{i}",
                    f"give `{child}` a column `{{kind: reference, to: {table.name}}}`",
                )


def _always_there(table: TablePlan, columns: Sequence[str]) -> bool:
    """Whether no row can escape a rule by a missing value."""
    return not any(table.columns[name].spec.nulls for name in columns if name in table.columns)


def _column_bounds(table: TablePlan) -> Iterator[Bound]:
    """The least and the greatest value that a column's own parameters allow."""
    for name, column in table.columns.items():
        low, high = column.spec.limits
        told = f"`{name}` is {interval(low, high)}"
        rounded = getattr(column.spec, "decimals", None)
        slack = Fraction(0) if rounded is None else Fraction(1, 2 * 10**rounded)
        if low is not None:
            yield Bound("", name, -number(low) + slack, told=told)
        if high is not None:
            yield Bound(name, "", number(high) + slack, told=told)


def _check_bounds(checks: Mapping[int, Check], table: TablePlan) -> Iterator[Bound]:
    for i, check in checks.items():
        if is_of_one_row(check, table.spec) and not check.in_python and check.allowed is None:
            yield from bounds_of(check.condition(), check=i, told=check.in_words())


def _column_values(table: TablePlan) -> Iterator[_Values]:
    for name, column in table.columns.items():
        if (allowed := column.spec.allowed) is not None:
            told = f"is one of {values(allowed)}" if len(allowed) > 1 else f"is {allowed[0]}"
            yield _Values(name, allowed, None, f"`{name}` {told}")


def _check_values(checks: Mapping[int, Check]) -> Iterator[_Values]:
    for i, check in checks.items():
        if check.allowed is not None:
            yield _Values(check.looks_at[0], check.allowed, i, check.in_words())


def _empty_set(
    table: TablePlan, sets: Sequence[_Values], bounds: Sequence[Bound]
) -> Iterator[Violation]:
    """A column whose rules, taken together, leave no value."""
    left = [value for value in sets[0].values if all(_has(one, value) for one in sets)]
    column = sets[0].column
    limits = [bound for bound in bounds if bound.columns == (column,)]
    fitting = [value for value in left if all(_fits(value, limit) for limit in limits)]
    if not fitting:
        yield _clash(table, [*sets, *(limits if left else ())])


def _has(allowed: _Values, value: Scalar) -> bool:
    return any(
        value == other and isinstance(value, str) == isinstance(other, str)
        for other in allowed.values
    )


def _fits(value: Scalar, limit: Bound) -> bool:
    """Whether a value keeps a bound; what can't be compared is not a problem here."""
    if isinstance(value, str | bool | None):
        return True
    distance = number(value) if limit.left else -number(value)
    return distance < limit.limit if limit.strict else distance <= limit.limit


def _too_few_values(
    plan: Plan, table: TablePlan, place: int, check: UniqueCheck
) -> Iterator[Violation]:
    def room(name: str) -> float:
        link = table.references.get(name)
        return plan[link.parent].rows if link else table.columns[name].spec.capacity()

    if not _always_there(table, check.columns):
        return
    places = math.prod(room(name) for name in check.columns)
    if places < table.rows:
        yield Violation(
            "check.impossible",
            f"only {int(places):,} distinct values of {names(check.columns)} for {table.rows:,}"
            " rows that must differ",
            f"tables.{table.name}.checks.{place}",
            f"ask for at most {int(places):,} rows, or allow more values",
        )


def _clash(table: TablePlan, parts: Sequence[Bound | _Values]) -> Violation:
    """The violation that names every rule of a contradiction, in the order of the checks."""
    checks = sorted({(part.check, part.told) for part in parts if part.check is not None})
    columns = dict.fromkeys(part.told for part in parts if part.check is None)
    rules = dict.fromkeys([*(told for _, told in checks), *columns])
    return Violation(
        "check.impossible",
        f"no row of `{table.name}` can keep these together: {'; '.join(rules)}",
        f"tables.{table.name}.checks.{checks[0][0]}",
        "remove one of them, or loosen it",
    )
