"""What the kinds of columns promise beyond keys and links, as checks on a program's tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from fabula.checks.results import CheckResult
from fabula.codegen.structure import finding
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.wording import values
from fabula.kinds.checks import Check
from fabula.kinds.checks.in_set import InSetCheck
from fabula.kinds.checks.not_null import NotNullCheck
from fabula.kinds.checks.pattern import PatternCheck
from fabula.kinds.checks.range import RangeCheck
from fabula.kinds.key import Key
from fabula.kinds.reference import Reference
from fabula.spec.tables import TableSpec

EXAMPLES = 5
_COUNTED = ("id", "row_id", "row_number", "index")
"""Keys that count from 1 where they hold numbers and nothing else is said."""


def promised_checks(table: TableSpec, *, strict: bool) -> Iterator[Check]:
    """Sets, bounds and patterns of columns; if `strict`, those without `nulls` miss no value."""
    for name in table.written:
        column = table.columns[name]
        yield from _of_values(name, column)
        told = isinstance(column, Reference) or name in table.key
        if strict and not column.nulls and not told:
            yield NotNullCheck(column=name)


def key_results(table: TableSpec, rows: pa.Table, *, strict: bool) -> Iterator[CheckResult]:
    """Whether keys count up without a gap, as `start` and `step` say.

    If `strict`, keys with a longer name of which nothing is said count, too.
    """
    for name, column in table.columns.items():
        if not isinstance(column, Key) or column.drop or name not in rows.column_names:
            continue
        if not (strict or column.description or name.lower() in _COUNTED):
            continue
        held = rows.column(name)
        if not pa.types.is_integer(held.type) or held.null_count:
            continue  # the type, or the missing values, are told already
        wanted = column.start + column.step * np.arange(len(held))
        found = held.to_numpy()
        wrong = np.flatnonzero(found != wanted)
        last = column.start + column.step * (len(held) - 1)
        message = f"`{name}` counts from {column.start} to {last}"
        if len(wrong):
            shown = values([f"{found[row]} for {wanted[row]}" for row in wrong[:EXAMPLES]])
            message = (
                f"`{name}` does not count from {column.start} to {last} in steps of "
                f"{column.step}: {len(wrong):,} of {len(held):,} values are wrong: {shown}"
            )
        yield finding(
            table.name,
            "sequence",
            f"`{name}` without a gap",
            message,
            failing=len(wrong),
            rows=len(held),
        )


def _of_values(name: str, column: AbstractColumn) -> Iterator[Check]:
    if column.allowed is not None:
        yield InSetCheck(column=name, values=column.allowed)
    low, high = column.limits
    if low is not None or high is not None:
        yield RangeCheck(column=name, min=low, max=high)
    if column.matches is not None:
        yield PatternCheck(column=name, regex=column.matches)
