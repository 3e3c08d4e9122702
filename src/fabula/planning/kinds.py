"""The Arrow type of each column kind, and how many distinct values it can give."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pyarrow as pa

from fabula.spec.columns import AbstractColumn, AbstractNumber
from fabula.spec.keys import Constant, Sequence
from fabula.spec.numbers import Binomial, Mixture, Poisson, Uniform, Zipf
from fabula.spec.parameters import Scalar, as_moment, seconds
from fabula.spec.times import Datetime
from fabula.spec.words import Choice, Judge, Llm, Person

CATEGORY = pa.dictionary(pa.int32(), pa.string())
"""Strings of few distinct values."""

TIME = pa.timestamp("us")

MOST_COUNT = 2.0**62
"""Largest mean or number of trials of a count."""

_PERSON_CATEGORIES = {"sex", "title", "country", "country_code", "nationality", "language"}
_JSON_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
_LLM_TYPES: dict[str, pa.DataType] = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "list[str]": pa.list_(pa.string()),
    "list[int]": pa.list_(pa.int64()),
    "list[float]": pa.list_(pa.float64()),
}
_FIXED_TYPES: dict[str, pa.DataType] = {
    "key": pa.int64(),
    "uuid": pa.string(),
    "bernoulli": pa.bool_(),
    "pattern": pa.string(),
    "template": pa.string(),
    "provider": pa.string(),
    "text": pa.string(),
}


def column_type(column: AbstractColumn) -> pa.DataType | None:
    """The Arrow type that a column's kind and parameters fix; None for `expr` and `reference`."""
    match column:
        case Sequence():
            return _step_type(column.start)
        case Constant():
            return _values_type((column.value,))
        case Choice():
            return _values_type(column.values)
        case Datetime():
            return pa.date32() if column.date else TIME
        case Person():
            return _person_type(column.field)
        case Llm():
            return _llm_type(column.type)
        case Judge():
            return pa.float64() if column.criteria else pa.bool_()
        case AbstractNumber():
            return pa.int64() if _is_whole(column) else pa.float64()
    return _FIXED_TYPES.get(column.kind)


def capacity(column: AbstractColumn) -> float:
    """How many distinct values a column can give; infinity where it is not bounded."""
    match column:
        case Constant():
            return 1
        case Choice():
            weights = column.weights or (1.0,) * len(column.values)
            pairs = zip(column.values, weights, strict=True)
            return len({value for value, weight in pairs if weight})
        case Zipf():
            return column.max
        case Binomial(trials=int(trials)):
            return trials + 1
        case Uniform(min=int() | float() as low, max=int() | float() as high) if (
            column.decimals is not None
        ):
            return math.floor((high - low) * float(10**column.decimals) + 1e-9) + 1
        case Poisson(min=int() | float() as low, max=int() | float() as high):
            return math.floor(high) - math.ceil(low) + 1
        case Datetime():
            return _moments(column)
    return 2 if column.kind == "bernoulli" else math.inf


def _is_whole(column: AbstractNumber) -> bool:
    if column.decimals is not None:
        return column.decimals == 0
    if isinstance(column, Mixture):
        return all(_is_whole(part.column) for part in column.of)
    return isinstance(column, Poisson | Binomial | Zipf)


def _step_type(start: Any) -> pa.DataType:
    if isinstance(start, dt.datetime):
        return TIME
    if isinstance(start, dt.date):
        return pa.date32()
    return pa.float64() if isinstance(start, float) else pa.int64()


def _values_type(values: tuple[Scalar, ...]) -> pa.DataType:
    """One type for all values; strings are categories, mixed values become strings."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return pa.bool_()
    if kinds <= {int}:
        return pa.int64()
    if kinds <= {int, float}:
        return pa.float64()
    if kinds <= {dt.date}:
        return pa.date32()
    if kinds <= {dt.date, dt.datetime}:
        return TIME
    return CATEGORY


def _person_type(field: str) -> pa.DataType:
    if field == "age":
        return pa.int64()
    if field == "birth_date":
        return pa.date32()
    return CATEGORY if field in _PERSON_CATEGORIES else pa.string()


def _llm_type(kind: Any) -> pa.DataType:
    if isinstance(kind, str):
        return _LLM_TYPES[kind]
    if isinstance(kind, tuple):
        return _values_type(kind)
    if "enum" in kind:
        return _values_type(tuple(kind["enum"]))
    if kind.get("format") == "date":
        return pa.date32()
    return _JSON_TYPES.get(str(kind.get("type")), pa.string())


def _moments(column: Datetime) -> float:
    start = as_moment(column.start)
    end = as_moment(column.end) if column.end is not None else None
    if column.within is not None:
        length = seconds(column.within)
    elif start is not None and end is not None:
        length = (end - start).total_seconds()
    else:
        return math.inf
    return math.inf if start is None else max(0, math.ceil(length / (86_400 if column.date else 1)))
