"""Rows that count within their parent, in a guessed spec: lines of an order, days of a shop.

Numbers that were drawn would repeat, or leave gaps, so such a table has so many rows per parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.kinds.datetime import Datetime
from fabula.kinds.reference import Reference
from fabula.kinds.sequence import Sequence as Steps
from fabula.relationships.common_types import are_days
from fabula.relationships.key_values import key_labels, numbers_within
from fabula.relationships.keys import ForeignKey, Keys
from fabula.spec import col
from fabula.spec.tables import PerParent, TableSpec

_HALVINGS = 50
"""Steps that find a rate to all of its digits."""


def number_rows(
    data: Mapping[str, pa.Table],
    keys: Keys,
    tables: dict[str, TableSpec],
    reasons: dict[str, str],
) -> None:
    """Have columns count the rows of each parent where the data's do, in place.

    Args:
        data: The real tables.
        keys: Their keys.
        tables: The guessed tables, whose references are declared.
        reasons: Why each column is what it is, by place.
    """
    for link in keys.foreign:
        name, table = link.child, tables[link.child]
        leading = [column for column in link.columns if _leads(table, column)]
        if len(leading) != 1 or link.parent == name or table.per_parent is not None:
            continue
        counted = dict(_counted(data[name], table, link.columns, leading[0]))
        if counted:
            per_parent = PerParent(of=leading[0], **_sizes(data, link))
            change = {"n": None, "per_parent": per_parent, "columns": {**table.columns, **counted}}
            tables[name] = table.model_copy(update=change)
            for column in counted:
                reasons[f"tables.{name}.columns.{column}"] = (
                    f"counts the rows of each `{leading[0]}`"
                )


def _leads(table: TableSpec, column: str) -> bool:
    kind = table.columns.get(column)
    return isinstance(kind, Reference) and not kind.nulls and not kind.unique


def _counted(
    rows: pa.Table, table: TableSpec, within: Sequence[str], reference: str
) -> Iterator[tuple[str, Steps]]:
    """Columns that count the rows that share others, as sequences."""
    for column in rows.column_names:
        values = rows.column(column)
        if column in within or column not in table.columns:
            continue
        if numbers_within(rows, column, within):
            yield column, col.sequence(start=pc.min(values).as_py(), within=reference)
        elif isinstance(table.columns[column], Datetime) and _are_daily(rows, column, within):
            start = pc.min(values.cast(pa.date32())).as_py()
            yield column, col.sequence(start=start, step="1d", within=reference)


def _are_daily(rows: pa.Table, column: str, within: Sequence[str]) -> bool:
    """Whether each parent has a row for each day from one start on."""
    values = rows.column(column)
    if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
        return False
    if pa.types.is_timestamp(values.type) and not are_days(values):
        return False
    days = values.cast(pa.date32()).cast(pa.int32())
    at = rows.column_names.index(column)
    return numbers_within(rows.set_column(at, column, days), column, within)


def _sizes(data: Mapping[str, pa.Table], link: ForeignKey) -> dict[str, Any]:
    """How many rows each parent has, in the words of `per_parent`."""
    parents = key_labels(data[link.parent], link.key).combine_chunks()
    rows = pc.index_in(key_labels(data[link.child], link.columns), value_set=parents).drop_null()
    counts: NDArray[np.int64] = np.bincount(rows.to_numpy(), minlength=len(parents))
    least, most, mean = int(counts.min()), int(counts.max()), float(counts.mean())
    if least == most:
        return {"fixed": least}
    return {"poisson": float(f"{_rate(mean, least, most):.5g}"), "min": least, "max": most}


def _rate(mean: float, least: int, most: int) -> float:
    """The rate of a Poisson between bounds, which move its mean, that has a mean."""
    numbers = np.arange(least, most + 1)
    factorials = np.cumsum(np.log(np.maximum(np.arange(most + 1), 1)))[least:]

    def bounded_mean(rate: float) -> float:
        logs = numbers * np.log(rate) - factorials
        weights = np.exp(logs - logs.max())
        return float(numbers @ weights / weights.sum())

    low, high = 0.0, mean + 1.0
    while bounded_mean(high) < mean:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if bounded_mean(middle) < mean else (low, middle)
    return high
