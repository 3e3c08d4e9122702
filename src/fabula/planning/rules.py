"""Rules that a spec must keep beyond its form: names that exist, sizes that fit, sane numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa

from fabula.errors import Violation, did_you_mean
from fabula.io.arrays import plain_type
from fabula.io.expressions import ExpressionError, expression_type, parse_expression
from fabula.kinds.base.columns import AbstractColumn, AbstractFilled, AbstractNumber
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.base.parameters import is_expression
from fabula.kinds.checks import Check
from fabula.kinds.checks.aggregate import AggregateCheck
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.checks.unique import UniqueCheck
from fabula.kinds.checks.window import WindowCheck
from fabula.kinds.reference import Reference
from fabula.kinds.simulation import Simulation
from fabula.kinds.source import Source
from fabula.llm.client.presets import COMPATIBLE, PROVIDERS, known_provider
from fabula.lookup import failed_plugins
from fabula.planning.columns import Columns
from fabula.planning.documents import document_violations
from fabula.planning.outputs import output_violations
from fabula.planning.parents import is_of_one_row, references_of
from fabula.planning.plan import TablePlan
from fabula.planning.references import References
from fabula.spec.tables import DatasetSpec, TableSpec


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
        yield from _correlation_problems(table, where)
        yield from _distinct_problems(table, where)
        for name, column in table.columns.items():
            yield from (item.at(f"{where}.columns.{name}") for item in column.problems())
            if isinstance(column, Source) and table.source is None:
                message = f"`{name}` is a column of a file, and the table names none"
                hint = "make the table `kind: source`, and add its `file`"
                yield Violation("spec.missing-key", message, f"{where}.columns.{name}", hint)
            if isinstance(column, Simulation) and table.simulation is None:
                message = f"`{name}` is a column of a model, and the table names none"
                hint = "make the table `kind: simulation`, and add its `file`"
                yield Violation("spec.missing-key", message, f"{where}.columns.{name}", hint)
        if table.per_parent is not None and table.per_parent.distribution is not None:
            yield from _cardinality_problems(table.per_parent.distribution, f"{where}.per_parent")
        yield from _model_problems(spec, table)
    yield from document_violations(spec)
    yield from output_violations(spec)


def size_violations(tables: Sequence[TablePlan], references: References) -> Iterator[Violation]:
    """Uniqueness that is not available with that many rows, found before any row is made."""
    rows = {table.name: table.rows for table in tables}
    for table in tables:
        where = f"tables.{table.name}"

        def room(name: str, plan: TablePlan = table) -> float:
            link = references[plan.name].get(name)
            return rows[link.parent] if link else plan.columns[name].spec.capacity()

        single = [name for name, plan in table.columns.items() if plan.spec.unique]
        groups: list[tuple[str, tuple[str, ...]]] = [
            (f"columns.{name}.unique", (name,)) for name in single
        ]
        groups += [("primary_key", table.spec.primary_key)] if table.spec.primary_key else []
        groups += [(_unique_place(table.spec, group), group) for group in table.spec.unique]
        for name, plan in table.columns.items():
            problems = plan.spec.problems_with_rows(table.rows)
            yield from (item.at(f"{where}.columns.{name}") for item in problems)
        for part, group in groups:
            if not set(group) <= table.columns.keys():
                continue  # noted as a problem elsewhere
            places = math.prod(room(name) for name in group)
            if places < table.rows:
                yield _too_few(group, int(places), table.rows, f"{where}.{part}")
        source = table.spec.source
        if source is not None and source.rows is not None and source.rows < table.rows:
            message = f"`{source.file}` has {source.rows:,} rows, and {table.rows:,} are asked for"
            yield Violation("spec.too-few-rows", message, f"{where}.n", f"write `n: {source.rows}`")
        per_parent, driver = table.spec.per_parent, table.driver
        if per_parent and driver and driver.within:
            fewest = per_parent.fixed or per_parent.min
            places = math.prod(room(name) for name in driver.within)
            if places < fewest:
                yield _too_few(driver.within, int(places), fewest, f"{where}.per_parent")


def _unique_place(table: TableSpec, group: tuple[str, ...]) -> str:
    """Where the spec says that a combination may not repeat."""
    for i, check in enumerate(table.checks):
        if isinstance(check, UniqueCheck) and check.columns == group and check.repair == "resample":
            return f"checks.{i}"
    return f"unique.{table.unique.index(group)}"


def name_violations(spec: DatasetSpec, planned: dict[str, Columns]) -> Iterator[Violation]:
    """Names in SQL that differ from another column's only by case, which SQL can't tell apart."""
    for table in spec.tables.values():
        columns = planned[table.name]
        used = {need for plan in columns.values() if plan.sql for need in plan.needs}
        references = references_of(table)
        used.update(*(check_needs(check, references) for check in table.checks), *table.unique)
        known: dict[str, set[str]] = {}
        for name in (*columns, *used):
            known.setdefault(name.lower(), set()).add(name)
        for twins in sorted(map(sorted, known.values())):
            if len(twins) > 1 and used & set(twins):
                message = f"SQL can't tell {' from '.join(f'`{name}`' for name in twins)}"
                where = f"tables.{table.name}.columns.{twins[-1]}"
                yield Violation("spec.ambiguous-name", message, where, "rename one of them")


def check_needs(check: Check, references: Collection[str]) -> set[str]:
    """Columns that a check looks at, as far as its SQL can be read."""
    needs = set(check.looks_at)
    for text, _ in check.written_sql():
        try:
            needs.update(parse_expression(text, references).needs)
        except ExpressionError:  # noted as a problem of the check
            continue
    return needs


def weight_violations(planned: dict[str, Columns], references: References) -> Iterator[Violation]:
    """Parents' columns that are not weights."""
    for table, links in references.items():
        for name, link in links.items():
            weights = link.spec.weights
            column = None if weights is None else planned[link.parent].get(weights)
            kind = None if column is None else column.type
            if kind is not None and not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                message = f"`weights` of `{name}` must be a number, but `{weights}` is {kind}"
                where = f"tables.{table}.columns.{name}.weights"
                yield Violation("spec.wrong-type", message, where)


def recursion_violations(
    planned: dict[str, Columns], references: References
) -> Iterator[Violation]:
    """Values of earlier rows that a model would have to fill before it is asked."""
    for table, columns in planned.items():
        if not any(isinstance(plan.spec, AbstractFilled) for plan in columns.values()):
            continue
        for name, plan in columns.items():
            for need in plan.needs:
                link = references[table].get(need.partition(".")[0])
                if "." in need and link is not None and link.parent == table:
                    message = (
                        f"`{name}` uses `{need}` of an earlier row, but a model fills the rows of "
                        f"`{table}` together"
                    )
                    hint = f"leave `{need}` out, or give those rows their own table"
                    where = f"tables.{table}.columns.{name}"
                    yield Violation("plan.cycle", message, where, hint)


def check_violations(spec: DatasetSpec, planned: dict[str, Columns]) -> Iterator[Violation]:
    """Checks that name what does not exist, or whose SQL DuckDB refuses."""
    for table in spec.tables.values():
        for i, check in enumerate(table.checks):
            where = f"tables.{table.name}.checks.{i}"
            yield from _check_names(spec, table, check, where)
            yield from _check_type(check, planned[table.name], where)
            for text, key in check.written_sql():
                of_row = isinstance(check, RowCheck)
                seen = _seen(table, planned, check) if of_row else _written(planned[table.name])
                references = references_of(table) if of_row else ()
                place = f"{where}.{key}"
                across = isinstance(check, WindowCheck)
                yield from _condition_problems(text, references, seen, place, across=across)


def _check_names(
    spec: DatasetSpec, table: TableSpec, check: Check, where: str
) -> Iterator[Violation]:
    yield from _unknown_columns(table, check.looks_at, where)
    if not check.of_rows:
        for name in check.looks_at:
            if name in table.columns and table.columns[name].drop:
                message = (
                    f"a `{check.kind}` check looks at the written rows, and `{name}` is dropped"
                )
                yield Violation("spec.dropped-column", message, where, f"keep `{name}`")
    if check.repair != "fail" and isinstance(check, RowCheck) and not is_of_one_row(check, table):
        message = f"`repair: {check.repair}` can't repair a check that looks at a parent's row"
        hint = "use `repair: fail`, or build the columns on each other (`start: order_id.placed`)"
        yield Violation("spec.bad-repair", message, where, hint)
    if check.repair == "drop" and not check.drops:
        message = f"`repair: drop` can't repair a `{check.kind}` check, which no single row breaks"
        yield Violation("spec.bad-repair", message, where, "use `repair: resample` or `fail`")
    if check.other is None:
        return
    name, _, column = check.other.partition(".")
    if name not in spec.tables:
        yield _unknown_table(name, spec, where)
    elif column and column not in spec.tables[name].columns:
        yield from _unknown_parts(spec.tables[name], column, check, where)
    elif isinstance(check, AggregateCheck) and check.function != "count" and not column:
        message = f"`{check.function}` needs a column of `{name}`"
        yield Violation("spec.bad-check", message, where, f"write `of: {name}.COLUMN`")
    elif isinstance(check, AggregateCheck) and check.by is not None:
        links = references_of(spec.tables[name])
        if check.by not in links or links[check.by].parent != table.name:
            message = f"`by: {check.by}` is not a reference of `{name}` to `{table.name}`"
            yield Violation("spec.bad-check", message, where, did_you_mean(check.by, links))


def _unknown_parts(table: TableSpec, of: str, check: Check, where: str) -> Iterator[Violation]:
    """Columns of an expression over a child's row that do not exist."""
    needs: tuple[str, ...] = (of,)
    if isinstance(check, AggregateCheck) and not of.isidentifier():
        try:
            needs = parse_expression(of).needs
        except ExpressionError as error:
            yield Violation("spec.bad-sql", f"the check's `of`: {error}", where, error.hint)
            return
    yield from _unknown_columns(table, needs, where)


def _check_type(check: Check, columns: Columns, where: str) -> Iterator[Violation]:
    """Columns whose values a check can't compare."""
    named = [name for name in check.looks_at if name in columns]
    if check.of_files and named and not isinstance(columns[named[0]].spec, AbstractFile):
        message = f"a `{check.kind}` check looks at files, and `{named[0]}` names none"
        hint = "name a column of `kind: document` or another one that makes files"
        yield Violation("spec.wrong-type", message, f"{where}.column", hint)
    if check.wants is None or not named:
        return
    kind = columns[named[0]].type
    if pa.types.is_null(kind):
        return  # it has a problem of its own
    plain = plain_type(kind)
    number = pa.types.is_integer(plain) or pa.types.is_floating(plain) or pa.types.is_boolean(plain)
    fits = number if check.wants == "numbers" else pa.types.is_string(plain)
    if not fits:
        message = f"a `{check.kind}` check needs {check.wants}, but `{named[0]}` is {kind}"
        yield Violation("spec.wrong-type", message, f"{where}.column")


def _seen(table: TableSpec, planned: Mapping[str, Columns], check: Check) -> dict[str, pa.DataType]:
    """The types of what a row check sees: dropped columns, too, or written ones and parents'."""
    own = planned[table.name]
    if is_of_one_row(check, table):
        return {name: plan.type for name, plan in own.items()}
    seen = _written(own)
    for name, reference in references_of(table).items():
        above = _written(planned.get(reference.parent, {}))
        seen |= {f"{name}.{column}": kind for column, kind in above.items()}
    return seen


def _written(columns: Columns) -> dict[str, pa.DataType]:
    return {name: plan.type for name, plan in columns.items() if not plan.spec.drop}


def _condition_problems(
    text: str,
    references: Collection[str],
    seen: Mapping[str, pa.DataType],
    where: str,
    *,
    across: bool,
) -> Iterator[Violation]:
    """Problems of a SQL condition on columns of some types."""
    try:
        parsed = parse_expression(text, references, across=across)
        unknown = [need for need in parsed.needs if need not in seen]
        for need in unknown:
            message = f"the check uses `{need}`, which no column defines"
            yield Violation("spec.unknown-column", message, where, did_you_mean(need, seen))
        if unknown or any(pa.types.is_null(seen[need]) for need in parsed.needs):
            return  # what it needs has a problem of its own
        if not pa.types.is_boolean(expression_type(parsed.sql, seen)):
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


def _correlation_problems(table: TableSpec, where: str) -> Iterator[Violation]:
    """Columns that can't vary together, or that are asked to do so twice."""
    seen: set[str] = set()
    for i, correlation in enumerate(table.correlations):
        place = f"{where}.correlations.{i}"
        yield from _unknown_columns(table, correlation.columns, place)
        for name in correlation.columns:
            if name in seen:
                message = f"`{name}` is correlated twice"
                hint = "give all its correlations in one `matrix`"
                yield Violation("spec.bad-correlation", message, place, hint)
            elif name in table.columns:
                yield from _uncorrelated(name, table.columns[name], place)
            seen.add(name)


def _uncorrelated(name: str, column: AbstractColumn, where: str) -> Iterator[Violation]:
    """Why a column can't be correlated."""
    if not column.orders:
        message = (
            f"`{name}` can't be correlated: it must be a distribution with plain numbers, or a"
            " choice of numbers"
        )
        hint = 'state the dependence in its parameters, such as `mean: "20 * size"`'
        yield Violation("spec.bad-correlation", message, where, hint)
    elif column.unique:
        message = f"`{name}` can't be both correlated and unique"
        yield Violation("spec.bad-correlation", message, where)


def _cardinality_problems(column: AbstractNumber, where: str) -> Iterator[Violation]:
    """Numbers of children that can't be drawn."""
    for name in column.expressions:
        if is_expression(getattr(column, name)):
            message = f"`{name}` of `per_parent` must be a plain number, not an expression"
            yield Violation("spec.bad-number", message, where)
            return
    yield from (item.at(where) for item in column.problems())


def _distinct_problems(table: TableSpec, where: str) -> Iterator[Violation]:
    """References that can't be both drawn by weight and combined without repetition."""
    groups = [group for group in (table.primary_key, *table.unique) if len(group) > 1]
    for name in {name for group in groups for name in group}:
        column = table.columns.get(name)
        if isinstance(column, Reference) and (column.skew or column.weights):
            message = f"`{name}` can't have `skew` or `weights`: its combinations may not repeat"
            hint = "drop `skew`; every combination is then equally likely"
            yield Violation("spec.bad-reference", message, f"{where}.columns.{name}", hint)


def _model_problems(spec: DatasetSpec, table: TableSpec) -> Iterator[Violation]:
    """Model names that mean nothing."""
    where = f"tables.{table.name}"
    named = [(table.model, f"{where}.model")]
    named += [
        (column.model, f"{where}.columns.{name}.model")
        for name, column in table.columns.items()
        if isinstance(column, AbstractFilled)
    ]
    for model, place in named:
        if model is None or model in spec.models:
            continue
        prefix, colon, rest = model.partition(":")
        provider = known_provider(prefix)
        if provider and provider.has(rest, colon) and prefix != COMPATIBLE:
            continue
        known = [*spec.models, *(each.example.removesuffix("MODEL") for each in PROVIDERS.values())]
        hint = did_you_mean(model, known) or "add it under `models:`, or write `PRESET:NAME`"
        told = f"there is no model `{model}`{failed_plugins()}"
        yield Violation("spec.unknown-model", told, place, hint)


def _too_few(group: Sequence[str], places: int, rows: int, where: str) -> Violation:
    names = " and ".join(f"`{name}`" for name in group)
    return Violation(
        "plan.too-few-values",
        f"only {places:,} distinct values of {names} for {rows:,} rows that must differ",
        where,
        f"ask for at most {places:,} rows, or allow more values",
    )
