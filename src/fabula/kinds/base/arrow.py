"""The Arrow types that kinds name."""

from __future__ import annotations

import pyarrow as pa

from fabula.kinds.base import values
from fabula.kinds.base.columns import AbstractColumn

CATEGORY = pa.dictionary(pa.int32(), pa.string())
"""Strings of few distinct values."""

TIME = pa.timestamp("us")


def column_type(column: AbstractColumn) -> pa.DataType | None:
    """The Arrow type that a column's kind and parameters fix; None if others settle it."""
    name = column.arrow_type()
    if name is None:
        return None
    if name == values.CATEGORY:
        return CATEGORY
    if name.startswith("decimal128("):
        digits, places = name.removeprefix("decimal128(").rstrip(")").split(",")
        return pa.decimal128(int(digits), int(places))
    if name.startswith("list["):
        return pa.list_(pa.type_for_alias(name[len("list[") : -1]))
    return pa.type_for_alias(name)
