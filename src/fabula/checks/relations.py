"""Rules between tables: foreign keys, numbers of children, aggregates over children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from fabula.checks.data import Data, MissingError
from fabula.checks.results import CheckResult
from fabula.io.arrays import is_text, plain_type
from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.sql import quoted
from fabula.kinds.reference import Reference
from fabula.spec.tables import DatasetSpec


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


def children_of(
    spec: DatasetSpec, data: Data, table: str, child: str, by: str | None = None
) -> dict[str, str]:
    """The parent's columns that its children refer to, by the child's columns."""
    link = by or link_column(spec, child, table)
    if link is None:
        raise MissingError(f"no column of `{child}` is a reference to `{table}`")
    reference = spec.tables[child].columns[link]
    assert isinstance(reference, Reference)
    _, held = held_key(spec, child, link, reference.to)
    data.need(table, list(held.values()))
    data.need(child, list(held))
    return held


def with_parents(
    spec: DatasetSpec, data: Data, table: str, columns: Sequence[tuple[str, str]]
) -> str:
    """A query of a table's rows with columns of their parents, `order_id.placed` among them."""
    selected, joins = ["c.*"], []
    for number, reference in enumerate(dict.fromkeys(name for name, _ in columns)):
        link = spec.tables[table].columns[reference]
        assert isinstance(link, Reference)
        parent, held = held_key(spec, table, reference, link.to)
        used = [column for name, column in columns if name == reference]
        data.need(table, list(held))
        data.need(parent, [*held.values(), *used])
        same = on_keys(held, "c", f"p{number}")
        joins.append(f"LEFT JOIN {data.view(parent)} AS p{number} ON {same}")
        selected += [
            f"p{number}.{quoted(column)} AS {quoted(f'{reference}.{column}')}" for column in used
        ]
    return f"(SELECT {', '.join(selected)} FROM {data.view(table)} AS c {' '.join(joins)})"


def held_key(spec: DatasetSpec, table: str, column: str, to: str) -> tuple[str, dict[str, str]]:
    """The parent that a column points at, and the parent's columns by the child's."""
    parent, key = target_of(spec, to)
    kind = spec.tables[table].columns.get(column) if table in spec.tables else None
    if isinstance(kind, Reference) and kind.to == to and parent in spec.tables:
        return parent, spec.tables[table].pointing(column, spec.tables[parent])
    return parent, {column: key}


def on_keys(held: Mapping[str, str], child: str, parent: str) -> str:
    """The SQL condition that a child's columns contain a parent's key."""
    same = (f"{child}.{quoted(own)} = {parent}.{quoted(key)}" for own, key in held.items())
    return " AND ".join(same)


def target_of(spec: DatasetSpec, to: str) -> tuple[str, str]:
    """The table and column that `table` or `table.column` means."""
    name, _, column = to.partition(".")
    if column:
        return name, column
    table = spec.tables.get(name)
    if table is None or not table.key:
        raise MissingError(f"`{name}` has no key to refer to")
    return name, table.key[0]


def with_children(data: Data, table: str, child: str, held: Mapping[str, str], value: str) -> str:
    """The FROM clause of a table's rows `p` with a value over the children `c` of each."""
    names = [quoted(name) for name in held]
    filled = " AND ".join(f"{name} IS NOT NULL" for name in names)
    listed = ", ".join(names)
    return (
        f"{data.view(table)} AS p LEFT JOIN (SELECT {listed}, {value} AS value"
        f" FROM {data.view(child)} WHERE {filled} GROUP BY {listed}) AS c"
        f" ON {on_keys(held, 'c', 'p')}"
    )


def shown_key(example: Mapping[str, object], held: Mapping[str, str]) -> str:
    """The key of an example row, as a message shows it."""
    return ", ".join(str(example[key]) for key in held.values())


def family_of_values(data: Data, table: str, column: str) -> str:
    """What a column contains, in a word; only equal families can be compared."""
    kind = plain_type(data.schema(table).field(column).type)
    families = {
        "numbers": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        "text": (is_text,),
        "times": (pa.types.is_timestamp, pa.types.is_date),
        "nothing": (pa.types.is_null,),
    }
    for family, tests in families.items():
        if any(test(kind) for test in tests):
            return family
    return str(kind)


def rule_result(
    table: str,
    check: AbstractCheck,
    *,
    rows: int,
    failing: int,
    message: str,
    examples: tuple[dict[str, object], ...] = (),
) -> CheckResult:
    """The result of a rule by how many rows break it."""
    return CheckResult.of(
        table,
        check,
        message,
        failing=failing,
        value=float(failing),
        expected=check.in_words(),
        rows=rows,
        examples=examples,
    )
