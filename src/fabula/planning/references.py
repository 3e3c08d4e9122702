"""Foreign keys resolved: which parent column each reference means, and what leads the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from fabula.errors import Violation, did_you_mean
from fabula.kinds.base.columns import AbstractFilled
from fabula.kinds.checks.unique import UniqueCheck
from fabula.kinds.reference import Reference
from fabula.kinds.sequence import Sequence
from fabula.planning.plan import ReferencePlan
from fabula.spec.tables import DatasetSpec, TableSpec

References = dict[str, dict[str, ReferencePlan]]
"""Reference plans by table and column."""


def resolve_references(spec: DatasetSpec, problems: list[Violation]) -> References:
    """Find the parent and key of every reference column; note what can't be found."""
    resolved: References = {}
    for table in spec.tables.values():
        driver = _driver(spec, table, problems)
        resolved[table.name] = {
            name: replace(plan, driver=name == driver, within=_partners(table, name))
            for name, plan in _references(spec, table, problems)
        }
        problems += _driving_problems(table, resolved[table.name].get(driver or ""))
        problems += _numbering_problems(table, driver)
        problems += _overlaps(table)
    return resolved


def order_tables(
    spec: DatasetSpec, references: References, problems: list[Violation]
) -> tuple[list[str], References]:
    """Parents before children; a cycle is broken at a nullable reference or noted."""
    loose: set[tuple[str, str]] = set()
    while True:
        graph = {
            table: {
                item.parent
                for item in references[table].values()
                if item.parent != table and (table, item.column) not in loose
            }
            for table in spec.tables
        }
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle: list[str] = error.args[1][::-1]
            breaker = _breaker(cycle, references, loose)
            if breaker is None:
                problems.append(_cycle(cycle, references))
                return list(spec.tables), references
            loose.add(breaker)
            continue
        marked = {
            table: {
                name: replace(item, loose=(table, name) in loose) for name, item in plans.items()
            }
            for table, plans in references.items()
        }
        return order, marked


def filling_violations(spec: DatasetSpec, references: References) -> Iterator[Violation]:
    """Tables in a cycle that models fill: each would wait for the rows that the next one keeps."""
    filled = {
        name
        for name, table in spec.tables.items()
        if any(isinstance(column, AbstractFilled) for column in table.columns.values())
    }
    graph = {
        table: {item.parent for item in references[table].values()} & filled - {table}
        for table in filled
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][::-1]
        steps = _steps(cycle, references)
        message = (
            f"{' → '.join([*steps, cycle[-1]])}: models fill all of these tables and may lose "
            "rows, so none can be generated first"
        )
        table, column = steps[0].split(".", 1)
        hint = f"leave `{column}` out, or move what models fill to another table"
        yield Violation("plan.cycle", message, f"tables.{table}.columns.{column}.to", hint)


def _references(
    spec: DatasetSpec, table: TableSpec, problems: list[Violation]
) -> Iterator[tuple[str, ReferencePlan]]:
    for name, column in table.columns.items():
        if not isinstance(column, Reference):
            continue
        where = f"tables.{table.name}.columns.{name}.to"
        parent = spec.tables.get(column.parent)
        if parent is None:
            message = f"column `{name}` refers to table `{column.parent}`, which does not exist"
            hint = did_you_mean(column.parent, spec.tables)
            problems.append(Violation("spec.unknown-reference", message, where, hint))
            continue
        key = column.parent_column or (parent.key[0] if len(parent.key) == 1 else None)
        if key is None:
            message = f"table `{parent.name}` has no single key that `{name}` could refer to"
            hint = (
                f"add `id: {{kind: key}}` to `{parent.name}`, or write `to: {parent.name}.COLUMN`"
            )
            problems.append(Violation("spec.no-key", message, where, hint))
            continue
        target = parent.columns.get(key)
        if target is None:
            message = f"column `{name}` refers to `{column.to}`, which does not exist"
            problems.append(
                Violation(
                    "spec.unknown-reference", message, where, did_you_mean(key, parent.columns)
                )
            )
            continue
        identifies = target.never_repeats or target.unique
        lacking = [part for part in parent.key if part not in table.pointing(name, parent).values()]
        if not identifies and (lacking or key not in parent.key):
            message = f"column `{name}` refers to `{parent.name}.{key}`, whose values may repeat"
            hint = f"add `unique: true` to `{parent.name}.{key}`, or refer to its key"
            if key in parent.key:
                part = lacking[0]
                message = f"`{name}` refers to `{key}` alone of the key {list(parent.key)}"
                message += f" of `{parent.name}`"
                hint = f"copy the rest of the key: `{part}: {{kind: expr, sql: {name}.{part}}}`"
            problems.append(Violation("spec.ambiguous-reference", message, where, hint))
            continue
        problems += _drawing_problems(table, name, column, parent)
        yield name, ReferencePlan(name, column, parent.name, key)


def _drawing_problems(
    table: TableSpec, name: str, column: Reference, parent: TableSpec
) -> Iterator[Violation]:
    """Ways of choosing the parent that don't go together."""
    where = f"tables.{table.name}.columns.{name}"
    weighted = column.skew is not None or column.weights is not None
    reason = None
    if column.skew is not None and column.weights is not None:
        reason = "has both `skew` and `weights`"
    elif column.unique and weighted:
        reason = "is unique, so every parent is used once: `skew` and `weights` can't be kept"
    elif parent.name == table.name and (column.unique or weighted):
        reason = "refers to earlier rows of its own table, drawn evenly: `unique`, `skew` and "
        reason += "`weights` can't be kept"
    if reason is not None:
        yield Violation("spec.bad-reference", f"`{name}` {reason}", where, "drop one of them")
    if column.weights is not None and column.weights not in parent.columns:
        message = f"`weights` names `{column.weights}`, which `{parent.name}` does not define"
        near = did_you_mean(column.weights, parent.columns)
        yield Violation("spec.unknown-column", message, f"{where}.weights", near)


def _driver(spec: DatasetSpec, table: TableSpec, problems: list[Violation]) -> str | None:
    """The reference column that `per_parent` means."""
    if table.per_parent is None:
        return None
    of, where = table.per_parent.of, f"tables.{table.name}.per_parent.of"
    columns = {
        name: column for name, column in table.columns.items() if isinstance(column, Reference)
    }
    if of in columns:
        return of
    leading = [name for name, column in columns.items() if column.parent == of]
    if len(leading) == 1:
        return leading[0]
    if leading:
        message = f"several columns refer to `{of}`: {', '.join(f'`{name}`' for name in leading)}"
        hint = f"write `of: {leading[0]}`"
        problems.append(Violation("spec.ambiguous-reference", message, where, hint))
    elif of in spec.tables:
        message = f"no column of `{table.name}` refers to `{of}`"
        hint = f"add `{of}_id: {{kind: reference, to: {of}}}`"
        problems.append(Violation("spec.unknown-reference", message, where, hint))
    else:
        message = f"`per_parent` names table `{of}`, which does not exist"
        near = did_you_mean(of, [*spec.tables, *columns])
        problems.append(Violation("spec.unknown-reference", message, where, near))
    return None


def _driving_problems(table: TableSpec, driver: ReferencePlan | None) -> Iterator[Violation]:
    """What the reference that `per_parent` follows can't have."""
    per_parent = table.per_parent
    if driver is None or per_parent is None:
        return
    where, column = f"tables.{table.name}.columns.{driver.column}", driver.spec
    if driver.parent == table.name:
        message = f"the rows of `{table.name}` can't follow from its own rows"
        hint = "give the table `n`; a reference to itself makes a tree"
        yield Violation("spec.bad-reference", message, f"tables.{table.name}.per_parent.of", hint)
    for name in ("nulls", "skew", "weights"):
        if getattr(column, name):
            message = f"`per_parent` gives `{driver.column}` its values: `{name}` can't be kept"
            yield Violation("spec.bad-reference", message, f"{where}.{name}", f"leave out `{name}`")
    if column.unique and per_parent.fixed != 1 and per_parent.max != 1:
        message = f"`{driver.column}` is unique, but `per_parent` allows several rows of a parent"
        yield Violation("spec.bad-reference", message, f"{where}.unique", "add `max: 1` to it")


def _numbering_problems(table: TableSpec, driver: str | None) -> Iterator[Violation]:
    """Sequences that count within anything but the parents that the rows follow from."""
    for name, column in table.columns.items():
        if not isinstance(column, Sequence) or column.within is None:
            continue
        where = f"tables.{table.name}.columns.{name}"
        if column.within != driver:
            message = f"`within: {column.within}` is not the reference that `per_parent` follows"
            hint = f"write `within: {driver}`"
            if driver is None:
                hint = f"give `{table.name}` a `per_parent` that names the parent table"
            yield Violation("spec.bad-reference", message, f"{where}.within", hint)
        elif column.unique:
            message = f"`{name}` starts again for each parent, so its values repeat"
            hint = f"leave out `unique`, or write `primary_key: [{driver}, {name}]`"
            yield Violation("spec.bad-reference", message, f"{where}.unique", hint)


def with_distinct_checks(table: TableSpec) -> TableSpec:
    """The table with each `unique` check to resample among its groups that may not repeat.

    Such values are drawn so that they differ, which drawing whole tables again hardly ever meets.
    Left to that are the groups that can't be drawn so: weighted references, and references that
    another group combines already.
    """
    groups = list(table.unique)
    for check in table.checks:
        if isinstance(check, UniqueCheck) and check.repair == "resample":
            columns = [table.columns.get(name) for name in check.columns]
            links = [column for column in columns if isinstance(column, Reference)]
            widened = table.model_copy(update={"unique": (*groups, check.columns)})
            if not any(link.skew or link.weights for link in links) and not any(_overlaps(widened)):
                groups.append(check.columns)
    distinct = tuple(dict.fromkeys(groups))
    return table if distinct == table.unique else table.model_copy(update={"unique": distinct})


def _overlaps(table: TableSpec) -> Iterator[Violation]:
    """References in several groups that may not repeat; only one group can be kept."""
    groups = dict.fromkeys(frozenset(group) for group in _reference_groups(table))
    taken: set[str] = set()
    for group in groups:
        for name in sorted(group & taken):
            message = f"`{name}` is in several groups of references that may not repeat"
            hint = "keep one of the groups, or check the other with `kind: unique`"
            yield Violation("spec.bad-reference", message, f"tables.{table.name}.unique", hint)
        taken |= group


def _reference_groups(table: TableSpec) -> list[tuple[str, ...]]:
    """Groups of several references whose combination may not repeat."""
    groups = [group for group in (table.primary_key, *table.unique) if len(group) > 1]
    return [
        group
        for group in groups
        if all(isinstance(table.columns.get(name), Reference) for name in group)
    ]


def _partners(table: TableSpec, name: str) -> tuple[str, ...]:
    """References that may not repeat a combination together with this one."""
    for group in _reference_groups(table):
        if name in group:
            return tuple(part for part in group if part != name)
    return ()


def _breaker(
    cycle: list[str], references: References, loose: set[tuple[str, str]]
) -> tuple[str, str] | None:
    """A nullable or deferred reference along the cycle whose order can be ignored."""
    for child, parent in pairwise(cycle):
        links = [item for item in references[child].values() if item.parent == parent]
        fresh = [item for item in links if (child, item.column) not in loose]
        if fresh and all(_is_loose(item) for item in fresh):
            return child, fresh[0].column
    return None


def _is_loose(item: ReferencePlan) -> bool:
    """Whether the parent's rows may come later."""
    return (item.spec.nulls > 0 or item.spec.deferred) and not item.driver


def _steps(cycle: list[str], references: References) -> list[str]:
    """The reference column that leads from each table of a cycle to the next."""
    steps = []
    for child, parent in pairwise(cycle):
        link = next(item for item in references[child].values() if item.parent == parent)
        steps.append(f"{child}.{link.column}")
    return steps


def _cycle(cycle: list[str], references: References) -> Violation:
    steps = _steps(cycle, references)
    path = " → ".join([*steps, cycle[-1]])
    first = steps[0].split(".", 1)
    return Violation(
        "plan.cycle",
        f"{path}: no order of tables satisfies these references, and none is nullable or deferred",
        f"tables.{first[0]}.columns.{first[1]}.to",
        f"make one nullable or deferrable: add `nulls: 0.1` or `deferred: true` to `{steps[0]}`",
    )
