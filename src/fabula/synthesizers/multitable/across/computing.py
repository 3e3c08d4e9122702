"""Columns that follow from another table, computed in made tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.relationships.rules.links import Link
from fabula.relationships.rules.plain import Plain, Rows, same_labels
from fabula.relationships.rules.rule import Copy, Found, Total


def copied(
    rule: Copy, table: pa.Table, parent: pa.Table, rows: Rows, schema: pa.Schema
) -> pa.Table:
    """A child's table with its copy; rows without a parent keep their value.

    Args:
        rule: What is copied.
        table: The child's rows.
        parent: The parent's.
        rows: The parent's row of each child.
        schema: The child's columns as they were in training.
    """
    source = parent.column(rule.source)
    if rule.factor == 1 and rule.decimals is None:
        values = source.take(array_of(np.maximum(rows, 0), missing=rows < 0))
    else:
        values = _numbers(rule, source, rows)
    return _put(table, rule.column, values, rows >= 0, schema)


def with_exceptions(
    found: Found, drawn: pa.Table, table: pa.Table, rows: Rows, rng: np.random.Generator
) -> pa.Table:
    """A child's table with its copy, and as many rows as in training that have what was drawn.

    Args:
        found: The copy.
        drawn: The child's rows as they were drawn.
        table: The same rows with the copy.
        rows: The parent's row of each child.
        rng: Chooses rows, or parents if all children of one break the rule.
    """
    name = found.rule.column
    old, new = drawn.column(name), table.column(name)
    apart = (rows >= 0) & ~same_labels(old, new)
    most = round(found.excepted * int((rows >= 0).sum()))
    group = rows if found.whole else np.arange(len(rows))
    sizes = np.bincount(group[apart], minlength=len(rows))
    order = rng.permutation(np.flatnonzero(sizes))
    chosen = order[: int(np.searchsorted(np.cumsum(sizes[order]), most, "right"))]
    excepted = apart & np.isin(group, chosen)
    return _put(table, name, old, excepted, table.schema)


def totalled(
    rule: Total, table: pa.Table, child: pa.Table, rows: Rows, schema: pa.Schema
) -> pa.Table:
    """A parent's table with its total.

    Args:
        rule: What is computed.
        table: The parent's rows.
        child: The children's.
        rows: The parent's row of each child.
        schema: The parent's columns as they were in training.
    """
    found, filled = rule.computed(Link(rule.key, Plain(child), Plain(table), rows))
    change = filled if rule.empty == "own" else np.ones(len(filled), bool)
    missing = ~filled if rule.empty != "zero" else np.zeros(len(filled), bool)
    found = np.where(filled, found, 0)
    if rule.time:
        zone = getattr(schema.field(rule.column).type, "tz", None)
        values = array_of(found.astype(np.int64), missing=missing).cast(pa.timestamp("us", zone))
    else:
        numbers = found.astype(float)
        numbers = numbers if rule.decimals is None else np.round(numbers, rule.decimals)
        values = array_of(numbers, missing=missing)
    return _put(table, rule.column, values, change, schema)


def capped(
    rule: Total, table: pa.Table, child: pa.Table, rows: Rows, schema: pa.Schema
) -> pa.Table:
    """Children none of which is beyond their parent's largest or smallest, and one of which is it.

    Args:
        rule: What is computed.
        table: The parent's rows.
        child: The children's.
        rows: The parent's row of each child.
        schema: The children's columns as they were in training.
    """
    name, sign = rule.values[0], 1 if rule.function == "max" else -1
    mine, bound = Plain(child)[name], Plain(table)[rule.column].take(rows)
    both = mine.known & bound.known
    numbers, limit = np.where(both, sign * mine.plain, 0.0), sign * bound.plain
    order = np.lexsort((numbers, both, rows))
    last = np.append(np.diff(rows[order]) != 0, True)[: len(order)]
    reaching = np.zeros(len(rows), bool)
    reaching[order] = last
    changed = both & (reaching | (numbers > limit))
    return _put(child, name, array_of(np.where(changed, bound.plain, 0.0)), changed, schema)


def _numbers(rule: Copy, source: pa.ChunkedArray, rows: Rows) -> pa.Array:
    plain = Plain(pa.table({"source": source}))["source"].take(rows)
    numbers = np.where(plain.known, plain.plain * rule.factor, 0.0)
    if rule.decimals is not None:
        numbers = np.round(numbers, rule.decimals)
    return array_of(numbers, missing=~plain.known)


def _put(
    table: pa.Table,
    name: str,
    values: pa.Array | pa.ChunkedArray,
    rows: NDArray[np.bool_],
    schema: pa.Schema,
) -> pa.Table:
    """The table with other values in some rows of a column, which it may lack."""
    kind = schema.field(name).type
    values = _as_type(values, kind)
    if name in table.column_names:
        old = table.column(name)
        if not rows.all():
            values = pc.if_else(array_of(rows), values, _as_type(old, values.type))
        return table.set_column(table.column_names.index(name), name, values)
    if not rows.all():
        values = pc.if_else(array_of(rows), values, pa.scalar(None, values.type))
    columns = {**{n: table.column(n) for n in table.column_names}, name: values}
    order = dict.fromkeys((*schema.names, *columns))  # hidden columns come last
    return pa.table({n: columns[n] for n in order if n in columns})


def _as_type(values: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Values of a type; of a wider one where it is too narrow for them."""
    if values.type == kind:
        return values
    if pa.types.is_dictionary(kind):
        return _as_type(values, kind.value_type).dictionary_encode().cast(kind)
    if pa.types.is_integer(kind) and pa.types.is_floating(values.type):
        values = pc.round(values).cast(pa.int64())
    try:
        return values.cast(kind, safe=not pa.types.is_floating(kind))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return values
