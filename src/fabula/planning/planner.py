"""Spec → Plan: settle sizes, resolve references and columns, report every problem at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fabula.errors import SpecError, UsageError, Violation, did_you_mean
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.base.parameters import is_expression
from fabula.kinds.base.sql import quoted
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.judge import Judge
from fabula.llm.providers.given import given_name
from fabula.planning.columns import make_steps, plan_columns
from fabula.planning.estimate import estimate_bytes, estimate_calls, estimate_seconds, is_fake
from fabula.planning.file_details import detail_violations
from fabula.planning.learned import with_learned
from fabula.planning.plan import ColumnPlan, Plan, ReferencePlan, TablePlan
from fabula.planning.references import (
    References,
    filling_violations,
    order_tables,
    resolve_references,
    with_distinct_checks,
)
from fabula.planning.rules import (
    check_violations,
    name_violations,
    recursion_violations,
    size_violations,
    spec_violations,
    weight_violations,
)
from fabula.spec.models import ModelLike, as_model
from fabula.spec.tables import DatasetSpec, PerParent, TableSpec
from fabula.types import Size

_NO_SIZES = {"plan.cycle", "spec.no-size", "spec.unknown-reference", "spec.ambiguous-reference"}
"""Problems that leave the sizes of tables open."""


def make_plan(
    spec: DatasetSpec, *, n: Size = None, seed: int | None = None, model: ModelLike | None = None
) -> Plan:
    """Plan a run; the options are those of `fabula.plan`.

    Raises:
        SpecError: The spec has problems; the error carries all of them.
        UsageError: `n` names no table, or does not say which.
    """
    problems: list[Violation] = []
    settled = with_learned(settle(spec, n=n, model=given_name(model)), problems)
    problems += spec_violations(settled)
    references = resolve_references(settled, problems)
    order, references = order_tables(settled, references, problems)
    planned = plan_columns(settled, references, problems)
    problems += check_violations(settled, planned)
    problems += weight_violations(planned, references)
    problems += recursion_violations(planned, references)
    problems += filling_violations(settled, references)
    problems += name_violations(settled, planned)
    problems += detail_violations(settled, planned)
    tables: list[TablePlan] = []
    if not any(problem.code in _NO_SIZES for problem in problems):
        tables = _plan_tables(settled, order, planned, references)
        problems += size_violations(tables, references)
    if problems:
        raise SpecError(spec.source.located(problems))
    tables = [replace(table, steps=make_steps(dict(table.columns))) for table in tables]
    return Plan(
        spec=settled,
        seed=settled.seed if seed is None else seed,
        tables=tuple(tables),
        calls=tuple(estimate_calls(settled, tables)),
        bytes=estimate_bytes(tables),
        seconds=estimate_seconds(tables),
    )


def settle(spec: DatasetSpec, *, n: Size = None, model: ModelLike | None = None) -> DatasetSpec:
    """The spec with rows and model overridden.

    Raises:
        UsageError: `n` names no table, or does not say which of several.
    """
    tables = {
        name: with_distinct_checks(_with_thresholds(_with_neighbours(table)))
        for name, table in spec.tables.items()
    }
    for name, rows in sizes_of(spec, n).items():
        tables[name] = tables[name].model_copy(update={"n": rows})
    if model is None:
        return spec.model_copy(update={"tables": tables})
    asked = as_model(model)
    default = spec.models.get(asked, asked) if isinstance(asked, str) else asked
    spec = spec.model_copy(update={"models": {**spec.models, "default": default}})
    fake = is_fake(spec, "default")
    for name, table in tables.items():
        columns = {key: _by_model(each, fake=fake) for key, each in table.columns.items()}
        tables[name] = table.model_copy(update={"columns": columns, "model": None})
    return spec.model_copy(update={"tables": tables})


def _by_model(column: AbstractColumn, *, fake: bool) -> AbstractColumn:
    """A column that leaves its model to the table.

    Models of pictures and speech stay, as a language model makes none; the fake one does.
    """
    if isinstance(column, AbstractFile):
        asks = getattr(column, "model", None) is not None
        return column.model_copy(update={"model": "fake"}) if asks and fake else column
    return column.model_copy(update={"model": None}) if hasattr(column, "model") else column


def _with_neighbours(table: TableSpec) -> TableSpec:
    """The table whose columns know what they take from each other."""
    columns = {name: column.among(table.columns) for name, column in table.columns.items()}
    return table.model_copy(update={"columns": columns})


def _with_thresholds(table: TableSpec) -> TableSpec:
    """The table with a check for each `judge` column that sets a threshold."""
    checks = [
        RowCheck(
            sql=f"CAST({quoted(name)} AS DOUBLE) >= {column.at_least}",
            repair="resample",
            name=f"{name} at least {column.at_least:g}",
        )
        for name, column in table.columns.items()
        if isinstance(column, Judge) and column.at_least is not None
    ]
    return table.model_copy(update={"checks": (*table.checks, *checks)}) if checks else table


def sizes_of(spec: DatasetSpec, n: Size, *, said_by: str = "spec") -> Mapping[str, int]:
    """Rows by table, as far as they are given alongside a spec, or the sentence that it is from.

    Raises:
        UsageError: They don't fit the tables.
    """
    if n is None:
        return {}
    if isinstance(n, int):
        if len(spec.tables) > 1:
            first = next(iter(spec.tables))
            raise UsageError(
                f"the {said_by} has {len(spec.tables)} tables; `n` must say which one it means",
                code="usage.which-table",
                hint=f"-n {first}={n}",
            )
        n = dict.fromkeys(spec.tables, n)
    for name, rows in n.items():
        if name not in spec.tables:
            raise UsageError(
                f"there is no table `{name}`",
                code="usage.unknown-table",
                hint=did_you_mean(name, spec.tables) or f"there are {', '.join(spec.tables)}",
            )
        if rows < 0:
            raise UsageError(f"`n` must not be below 0, not {rows}", code="usage.bad-size")
        per_parent = spec.tables[name].per_parent
        if per_parent is not None:
            raise UsageError(
                f"the rows of `{name}` follow from its parent (`per_parent`)",
                code="usage.derived-size",
                hint=f"change the rows of `{per_parent.of}` instead",
            )
    return n


def _plan_tables(
    spec: DatasetSpec,
    order: Sequence[str],
    planned: Mapping[str, Mapping[str, ColumnPlan]],
    references: References,
) -> list[TablePlan]:
    """The tables in order with their expected rows, their steps still open."""
    rows: dict[str, int] = {}
    tables: list[TablePlan] = []
    for name in order:
        table = spec.tables[name]
        rows[name] = _expected_rows(table, references[name], rows)
        tables.append(
            TablePlan(
                spec=table,
                rows=rows[name],
                exact=table.per_parent is None or table.per_parent.fixed is not None,
                steps=(),
                columns=planned[name],
                references=_with_attributes(references[name], planned[name]),
            )
        )
    return tables


def _expected_rows(
    table: TableSpec, references: Mapping[str, ReferencePlan], rows: Mapping[str, int]
) -> int:
    """Rows of a table; where each parent draws its own number, the expectation."""
    driver = next((item for item in references.values() if item.driver), None)
    if table.per_parent is None or driver is None:
        return table.n or 0
    return round(rows.get(driver.parent, 0) * expected_children(table.per_parent))


def expected_children(per_parent: PerParent) -> float:
    """The mean number of rows of one parent (bounds are taken into account roughly)."""
    low, high = per_parent.min, per_parent.max
    if per_parent.fixed is not None:
        return per_parent.fixed
    if per_parent.distribution is None:
        return (low + (high or low)) / 2
    parameters = per_parent.distribution.expressions
    if any(is_expression(getattr(per_parent.distribution, name)) for name in parameters):
        return low  # noted as a problem elsewhere
    mean = per_parent.distribution.expectation()
    return min(max(mean, low), math.inf if high is None else high)


def _with_attributes(
    references: Mapping[str, ReferencePlan], columns: Mapping[str, ColumnPlan]
) -> dict[str, ReferencePlan]:
    """Note which of the parent's columns each reference is used for."""
    used: dict[str, set[str]] = {name: set() for name in references}
    for need in {need for plan in columns.values() for need in plan.needs}:
        reference, dot, attribute = need.partition(".")
        if dot and reference in used:
            used[reference].add(attribute)
    return {
        name: replace(link, attributes=tuple(sorted(used[name])))
        for name, link in references.items()
    }
