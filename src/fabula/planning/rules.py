"""Rules that a spec must keep beyond its form: names that exist, sizes that fit, sane numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pyarrow as pa

from fabula.errors import Violation, did_you_mean
from fabula.llm.presets import PRESETS
from fabula.planning.columns import Columns
from fabula.planning.expressions import ExpressionError, expression_type, parse_expression
from fabula.planning.kinds import capacity
from fabula.planning.plan import TablePlan
from fabula.planning.references import References
from fabula.spec.checks import (
    ROW_CHECKS,
    AggregateCheck,
    Check,
    CorrelationCheck,
    CountCheck,
    ForeignKeyCheck,
    RowCheck,
    ShareCheck,
    UniqueCheck,
)
from fabula.spec.columns import AbstractColumn, AbstractNumber
from fabula.spec.keys import Reference
from fabula.spec.numbers import Mixture
from fabula.spec.parameters import as_moment
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.spec.times import Datetime
from fabula.spec.words import FILLED

_POSITIVE = {"sigma", "scale", "shape", "a", "b"}
_NOT_NEGATIVE = {"std", "mean", "trials"}


def spec_violations(spec: DatasetSpec) -> Iterator[Violation]:
    """Problems that show without knowing types or sizes."""
    for table in spec.tables.values():
        where = f"tables.{table.name}"
        if not table.written:
            yield Violation(
                "spec.nothing-written", f"all columns of `{table.name}` are dropped", where
            )
        if table.n is None and table.per_parent is None:
            message = f"table `{table.name}` does not say how many rows it has"
            hint = f"add `n: 100`, or pass `-n {table.name}=100`"
            yield Violation("spec.no-size", message, where, hint)
        groups = [("primary_key", table.primary_key)]
        groups += [(f"unique.{i}", group) for i, group in enumerate(table.unique)]
        for part, group in groups:
            yield from _unknown_columns(table, group, f"{where}.{part}")
        for i, correlation in enumerate(table.correlations):
            yield from _correlation_problems(
                table, correlation.columns, f"{where}.correlations.{i}"
            )
        yield from _distinct_problems(table, where)
        for name, column in table.columns.items():
            yield from _parameter_problems(column, f"{where}.columns.{name}")
        yield from _model_problems(spec, table)
    for i, output in enumerate(spec.outputs):
        for name in output.tables:
            if name not in spec.tables:
                yield _unknown_table(name, spec, f"outputs.{i}.tables")


def size_violations(tables: Sequence[TablePlan], references: References) -> Iterator[Violation]:
    """Uniqueness that can't be had with so many rows, found before any row is made."""
    rows = {table.name: table.rows for table in tables}
    for table in tables:
        where = f"tables.{table.name}"

        def room(name: str, plan: TablePlan = table) -> float:
            link = references[plan.name].get(name)
            return rows[link.parent] if link else capacity(plan.columns[name].spec)

        single = [name for name, plan in table.columns.items() if plan.spec.unique]
        groups: list[tuple[str, tuple[str, ...]]] = [
            (f"columns.{name}.unique", (name,)) for name in single
        ]
        groups += [("primary_key", table.spec.primary_key)] if table.spec.primary_key else []
        groups += [(f"unique.{i}", group) for i, group in enumerate(table.spec.unique)]
        for part, group in groups:
            places = math.prod(room(name) for name in group)
            if places < table.rows:
                yield _too_few(group, int(places), table.rows, f"{where}.{part}")
        per_parent, driver = table.spec.per_parent, table.driver
        if per_parent and driver and driver.within:
            fewest = per_parent.fixed or per_parent.min
            places = math.prod(room(name) for name in driver.within)
            if places < fewest:
                yield _too_few(driver.within, int(places), fewest, f"{where}.per_parent")


def check_violations(spec: DatasetSpec, planned: dict[str, Columns]) -> Iterator[Violation]:
    """Checks that name what does not exist, or whose SQL DuckDB refuses."""
    for table in spec.tables.values():
        for i, check in enumerate(table.checks):
            where = f"tables.{table.name}.checks.{i}"
            yield from _check_names(spec, table, check, where)
            for text, place in _conditions(check):
                yield from _condition_problems(
                    text, planned[table.name], isinstance(check, RowCheck), f"{where}.{place}"
                )


def _check_names(
    spec: DatasetSpec, table: TableSpec, check: Check, where: str
) -> Iterator[Violation]:
    columns = getattr(check, "columns", None) or (getattr(check, "column", None),)
    named = tuple(name for name in columns if name is not None)
    yield from _unknown_columns(table, named, where)
    if not isinstance(check, ROW_CHECKS):
        for name in named:
            if name in table.columns and table.columns[name].drop:
                message = (
                    f"a `{check.kind}` check looks at the written rows, and `{name}` is dropped"
                )
                yield Violation("spec.dropped-column", message, where, f"keep `{name}`")
    if check.repair == "drop" and not isinstance(
        check, (*ROW_CHECKS, UniqueCheck, ForeignKeyCheck)
    ):
        message = f"`repair: drop` can't mend a `{check.kind}` check, which no single row breaks"
        yield Violation("spec.bad-repair", message, where, "use `repair: resample` or `fail`")
    other = {
        AggregateCheck: getattr(check, "of", ""),
        CountCheck: getattr(check, "of", ""),
        ForeignKeyCheck: getattr(check, "to", ""),
    }.get(type(check))
    if other is None:
        return
    name, _, column = other.partition(".")
    if name not in spec.tables:
        yield _unknown_table(name, spec, where)
    elif column and column not in spec.tables[name].columns:
        yield from _unknown_columns(spec.tables[name], (column,), where)
    elif isinstance(check, AggregateCheck) and check.function != "count" and not column:
        message = f"`{check.function}` needs a column of `{name}`"
        yield Violation("spec.bad-check", message, where, f"write `of: {name}.COLUMN`")


def _conditions(check: Check) -> Iterator[tuple[str, str]]:
    if isinstance(check, RowCheck | ShareCheck) and check.sql is not None:
        yield check.sql, "sql"
    if isinstance(check, CorrelationCheck) and check.where is not None:
        yield check.where, "where"


def _condition_problems(
    text: str, columns: Columns, dropped: bool, where: str
) -> Iterator[Violation]:
    """Problems of a SQL condition; `dropped` columns are seen by row checks alone."""
    seen = {n: plan.type for n, plan in columns.items() if dropped or not plan.spec.drop}
    try:
        parsed = parse_expression(text)
        unknown = [need for need in parsed.needs if need not in seen]
        for need in unknown:
            message = f"the check uses `{need}`, which no column defines"
            yield Violation("spec.unknown-column", message, where, did_you_mean(need, seen))
        if not unknown and not pa.types.is_boolean(expression_type(parsed.sql, seen)):
            yield Violation("spec.bad-check", "the condition must be true or false", where)
    except ExpressionError as error:
        yield Violation("spec.bad-sql", f"the check's SQL: {error}", where, error.hint)


def _unknown_columns(table: TableSpec, names: Sequence[str], where: str) -> Iterator[Violation]:
    for name in names:
        if name not in table.columns:
            message = f"table `{table.name}` has no column `{name}`"
            yield Violation(
                "spec.unknown-column", message, where, did_you_mean(name, table.columns)
            )


def _unknown_table(name: str, spec: DatasetSpec, where: str) -> Violation:
    message = f"there is no table `{name}`"
    return Violation("spec.unknown-table", message, where, did_you_mean(name, spec.tables))


def _correlation_problems(
    table: TableSpec, names: Sequence[str], where: str
) -> Iterator[Violation]:
    yield from _unknown_columns(table, names, where)
    for name in names:
        column = table.columns.get(name)
        if column is None:
            continue
        varying = any(isinstance(getattr(column, part, None), str) for part in column.expressions)
        if not isinstance(column, AbstractNumber) or isinstance(column, Mixture) or varying:
            message = f"`{name}` can't be correlated: it must be a distribution with plain numbers"
            hint = 'state the dependence in its parameters, such as `mean: "20 * size"`'
            yield Violation("spec.bad-correlation", message, where, hint)
        elif column.unique:
            message = f"`{name}` can't be both correlated and unique"
            yield Violation("spec.bad-correlation", message, where)


def _distinct_problems(table: TableSpec, where: str) -> Iterator[Violation]:
    """References that can't be both drawn by weight and combined without repetition."""
    groups = [group for group in (table.primary_key, *table.unique) if len(group) > 1]
    for name in {name for group in groups for name in group}:
        column = table.columns.get(name)
        if isinstance(column, Reference) and (column.skew or column.weights):
            message = f"`{name}` can't have `skew` or `weights`: its combinations may not repeat"
            hint = "drop `skew`; every combination is then equally likely"
            yield Violation("spec.bad-reference", message, f"{where}.columns.{name}", hint)


def _parameter_problems(column: AbstractColumn, where: str) -> Iterator[Violation]:
    """Constants that no distribution can have."""
    parts = [part.column for part in column.of] if isinstance(column, Mixture) else [column]
    for part in parts:
        for name in part.expressions:
            value = getattr(part, name, None)
            if isinstance(value, str) or value is None or isinstance(part, Datetime):
                continue
            low_mean = name != "mean" or part.kind in ("poisson", "exponential")
            if name in _POSITIVE and value <= 0:
                yield Violation("spec.bad-number", f"`{name}` must be above 0", f"{where}.{name}")
            elif name in _NOT_NEGATIVE and low_mean and value < 0:
                yield Violation(
                    "spec.bad-number", f"`{name}` must not be below 0", f"{where}.{name}"
                )
            elif name == "p" and not 0 <= value <= 1:
                yield Violation("spec.bad-number", "`p` must lie in 0 to 1", f"{where}.{name}")
        low, high = getattr(part, "min", None), getattr(part, "max", None)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            message = f"`min` {low} is above `max` {high}: no value fits"
            yield Violation("spec.empty-range", message, f"{where}.min")
    if isinstance(column, Datetime) and column.end is not None:
        start, end = as_moment(column.start), as_moment(column.end)
        if start is not None and end is not None and start >= end:
            message = f"`start` {start} is not before `end` {end}: no time fits"
            yield Violation("spec.empty-range", message, f"{where}.start")


def _model_problems(spec: DatasetSpec, table: TableSpec) -> Iterator[Violation]:
    """Model names that mean nothing."""
    where = f"tables.{table.name}"
    named = [(table.model, f"{where}.model")]
    named += [
        (column.model, f"{where}.columns.{name}.model")
        for name, column in table.columns.items()
        if isinstance(column, FILLED)
    ]
    for model, place in named:
        if model is None or model in spec.models or model in ("local", "fake"):
            continue
        prefix, colon, rest = model.partition(":")
        if colon and rest and (prefix == "local" or prefix in PRESETS):
            continue
        known = [*spec.models, "local", "fake", *(f"{preset}:" for preset in PRESETS)]
        message = f"there is no model `{model}`"
        hint = did_you_mean(model, known) or "add it under `models:`, or write `PRESET:NAME`"
        yield Violation("spec.unknown-model", message, place, hint)


def _too_few(group: Sequence[str], places: int, rows: int, where: str) -> Violation:
    names = " and ".join(f"`{name}`" for name in group)
    return Violation(
        "plan.too-few-values",
        f"only {places:,} distinct values of {names} for {rows:,} rows that must differ",
        where,
        f"ask for at most {places:,} rows, or allow more values",
    )
