"""Rules between tables: foreign keys, numbers of children, aggregates over children."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.checks.data import ROW_NUMBER, Data, MissingError
from fabula.checks.results import CheckResult
from fabula.checks.wording import rule, values
from fabula.io.sql import quoted
from fabula.io.write import plain_type
from fabula.kinds.reference import Reference
from fabula.planning.expressions import parse_expression
from fabula.spec.checks import AggregateCheck, CountCheck, ForeignKeyCheck
from fabula.spec.tables import DatasetSpec

_ROUNDING = 1e-9


def foreign_key_result(
    spec: DatasetSpec, data: Data, table: str, check: ForeignKeyCheck
) -> CheckResult:
    """Whether every value of a column exists in the parent; null passes."""
    parent, key = _target(spec, check.to)
    data.need(table, [check.column])
    data.need(parent, [key])
    column, view = quoted(check.column), data.view(table)
    child, target = f"`{table}.{check.column}`", f"`{parent}.{key}`"
    rows, used = data.row(f"SELECT count(*), count({column}) FROM {view}")
    mine, theirs = _family(data, table, check.column), _family(data, parent, key)
    if used and mine != theirs and "nothing" not in (mine, theirs):
        message = f"{child} holds {mine} and {target} {theirs}: none of {used:,} values can match"
        return _relation(table, check, rows=rows, failing=used, message=message)
    orphans = (
        f"FROM {view} AS c ANTI JOIN {data.view(parent)} AS p ON c.{column} = p.{quoted(key)}"
        f" WHERE c.{column} IS NOT NULL"
    )
    (failing,) = data.row(f"SELECT count(*) {orphans}")
    if not failing:
        message = f"all {used:,} values of {child} exist in {target}"
        return _relation(table, check, rows=rows, failing=0, message=message)
    examples = data.examples(f"SELECT DISTINCT c.{column} {orphans} ORDER BY ALL")
    lost = values([example[check.column] for example in examples])
    message = f"{failing:,} of {used:,} values of {child} don't exist in {target}: {lost}"
    return _relation(table, check, rows=rows, failing=failing, message=message, examples=examples)


def orphan_rows(
    spec: DatasetSpec, data: Data, table: str, check: ForeignKeyCheck
) -> NDArray[np.int64]:
    """Numbers of the rows whose value does not exist in the parent."""
    parent, key = _target(spec, check.to)
    column, number = quoted(check.column), quoted(ROW_NUMBER)
    if _family(data, table, check.column) != _family(data, parent, key):
        return data.numbers(
            table, [check.column], f"SELECT {number} FROM numbered WHERE {column} IS NOT NULL"
        )
    return data.numbers(
        table,
        [check.column],
        f"SELECT c.{number} FROM numbered AS c ANTI JOIN {data.view(parent)} AS p"
        f" ON c.{column} = p.{quoted(key)} WHERE c.{column} IS NOT NULL",
    )


def count_result(spec: DatasetSpec, data: Data, table: str, check: CountCheck) -> CheckResult:
    """Whether each row has as many children as it should, none included."""
    key, link = _children(spec, data, table, check.of)
    children = _grouped(data, check.of, link, "count(*)")
    counted = (
        f"SELECT p.{quoted(key)}, coalesce(c.value, 0) AS children"
        f" FROM {data.view(table)} AS p LEFT JOIN {children} ON p.{quoted(key)} = c.link"
    )
    most = "" if check.max is None else f" OR children > {check.max}"
    outside = f"children < {check.min}{most}"
    rows, failing, low, high = data.row(
        f"SELECT count(*), count(*) FILTER ({outside}), min(children), max(children)"
        f" FROM ({counted})"
    )
    if not failing:
        message = (
            f"each of {rows:,} rows has {low} to {high} rows in `{check.of}`"
            if rows
            else (f"`{table}` has no rows")
        )
        return _relation(table, check, rows=rows, failing=0, message=message)
    examples = data.examples(f"SELECT * FROM ({counted}) WHERE {outside} ORDER BY ALL")
    shown = values([f"{example[key]} has {example['children']}" for example in examples])
    message = f"{failing:,} of {rows:,} rows break the rule: {rule(check)}: `{key}` {shown}"
    return _relation(table, check, rows=rows, failing=failing, message=message, examples=examples)


def aggregate_result(
    spec: DatasetSpec, data: Data, table: str, check: AggregateCheck
) -> CheckResult:
    """Whether a column tells the truth about each row's children."""
    child, _, value = check.of.partition(".")
    key, link = _children(spec, data, table, child, check.by)
    data.need(table, [check.column])
    of = _combined(spec, data, child, value) if value else "*"
    function = "avg" if check.function == "mean" else check.function
    usual = "zero" if check.function in ("count", "sum") else "missing"
    column = quoted(check.column)
    nothing = {"zero": "0", "missing": "NULL", "any": f"p.{column}"}[check.empty or usual]
    compared = (
        f"SELECT p.{quoted(key)}, p.{column},"
        f" coalesce(c.value, {nothing}) AS actual"
        f" FROM {data.view(table)} AS p"
        f" LEFT JOIN {_grouped(data, child, link, f'{function}({of})')}"
        f" ON p.{quoted(key)} = c.link"
    )
    differs = _differs(column, "actual", check.tolerance)
    if _family(data, table, check.column) != "numbers":
        differs = f"{column} IS DISTINCT FROM actual"
    rows, failing = data.row(f"SELECT count(*), count(*) FILTER ({differs}) FROM ({compared})")
    if not failing:
        message = f"all {rows:,} rows keep the rule: {rule(check)}"
        return _relation(table, check, rows=rows, failing=0, message=message)
    examples = data.examples(f"SELECT * FROM ({compared}) WHERE {differs} ORDER BY ALL")
    shown = values(
        [f"{item[key]} says {item[check.column]}, not {item['actual']}" for item in examples]
    )
    message = f"{failing:,} of {rows:,} rows break the rule: {rule(check)}: `{key}` {shown}"
    return _relation(table, check, rows=rows, failing=failing, message=message, examples=examples)


def link_column(spec: DatasetSpec, child: str, parent: str) -> str | None:
    """The column of `child` that refers to `parent`: the driver of its size, or the first."""
    table = spec.tables.get(child)
    if table is None:
        return None
    links = [
        name
        for name, column in table.columns.items()
        if isinstance(column, Reference) and column.parent == parent
    ]
    if table.per_parent and table.per_parent.of in links:
        return table.per_parent.of
    return links[0] if links else None


def _combined(spec: DatasetSpec, data: Data, child: str, value: str) -> str:
    """What is combined of each child: a column, or an expression over its row."""
    if value in spec.tables[child].columns:
        data.need(child, [value])
        return quoted(value)
    parsed = parse_expression(value)
    data.need(child, parsed.needs)
    return parsed.sql


def _children(
    spec: DatasetSpec, data: Data, table: str, child: str, by: str | None = None
) -> tuple[str, str]:
    """A parent's key column, and the child's column that refers to it."""
    link = by or link_column(spec, child, table)
    if link is None:
        raise MissingError(f"no column of `{child}` is a reference to `{table}`")
    reference = spec.tables[child].columns[link]
    assert isinstance(reference, Reference)
    _, key = _target(spec, reference.to)
    data.need(table, [key])
    data.need(child, [link])
    return key, link


def with_parents(
    spec: DatasetSpec, data: Data, table: str, columns: Sequence[tuple[str, str]]
) -> str:
    """A query of a table's rows with columns of their parents, `order_id.placed` among them.

    Args:
        spec: What is asked.
        data: The tables.
        table: The child.
        columns: References with columns of what they refer to.
    """
    selected, joins = ["c.*"], []
    for number, reference in enumerate(dict.fromkeys(name for name, _ in columns)):
        link = spec.tables[table].columns[reference]
        assert isinstance(link, Reference)
        parent, key = _target(spec, link.to)
        used = [column for name, column in columns if name == reference]
        data.need(table, [reference])
        data.need(parent, [key, *used])
        joins.append(
            f"LEFT JOIN {data.view(parent)} AS p{number}"
            f" ON c.{quoted(reference)} = p{number}.{quoted(key)}"
        )
        selected += [
            f"p{number}.{quoted(column)} AS {quoted(f'{reference}.{column}')}" for column in used
        ]
    return f"(SELECT {', '.join(selected)} FROM {data.view(table)} AS c {' '.join(joins)})"


def _target(spec: DatasetSpec, to: str) -> tuple[str, str]:
    """The table and column that `table` or `table.column` means."""
    name, _, column = to.partition(".")
    if column:
        return name, column
    table = spec.tables.get(name)
    if table is None or not table.key:
        raise MissingError(f"`{name}` has no key that could be referred to")
    return name, table.key[0]


def _grouped(data: Data, child: str, link: str, value: str) -> str:
    name = quoted(link)
    return (
        f"(SELECT {name} AS link, {value} AS value FROM {data.view(child)}"
        f" WHERE {name} IS NOT NULL GROUP BY {name}) AS c"
    )


def _differs(stated: str, actual: str, tolerance: float) -> str:
    """True where two numbers are apart, or only one is known."""
    near = f"abs({stated} - {actual}) <= {tolerance} + {_ROUNDING} * abs({actual})"
    return f"NOT coalesce({near}, {stated} IS NULL AND {actual} IS NULL)"


def _family(data: Data, table: str, column: str) -> str:
    """What a column holds, in a word; only equal families can be compared."""
    kind = plain_type(data.schema(table).field(column).type)
    families = {
        "numbers": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        "text": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        "times": (pa.types.is_timestamp, pa.types.is_date),
        "nothing": (pa.types.is_null,),
    }
    for family, tests in families.items():
        if any(test(kind) for test in tests):
            return family
    return str(kind)


def _relation(
    table: str,
    check: ForeignKeyCheck | CountCheck | AggregateCheck,
    *,
    rows: int,
    failing: int,
    message: str,
    examples: tuple[dict[str, object], ...] = (),
) -> CheckResult:
    return CheckResult.of(
        table,
        check,
        message,
        failing=failing,
        value=float(failing),
        expected=rule(check),
        rows=rows,
        examples=examples,
    )
