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
from fabula.spec.words import Choice, Judge, Llm, Pattern, Person, Program

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
_SUPPORTS = {
    "exponential": (0.0, math.inf),
    "gamma": (0.0, math.inf),
    "lognormal": (0.0, math.inf),
    "beta": (0.0, 1.0),
    "poisson": (0.0, math.inf),
    "binomial": (0.0, math.inf),
    "zipf": (1.0, math.inf),
}
"""Values that a kind can have, where those are not all numbers."""

_FIXED_TYPES: dict[str, pa.DataType] = {
    "key": pa.int64(),
    "uuid": pa.string(),
    "bernoulli": pa.bool_(),
    "pattern": pa.string(),
    "template": pa.string(),
    "provider": pa.string(),
    "text": pa.string(),
    "reasoning": pa.string(),
}


def column_type(column: AbstractColumn) -> pa.DataType | None:
    """The Arrow type that a column's kind and parameters fix; None for `expr` and `reference`."""
    match column:
        case Sequence():
            return _step_type(column.start, column.step)
        case Constant():
            return _values_type((column.value,))
        case Choice():
            return _values_type(column.values)
        case Datetime():
            return pa.date32() if column.date else TIME
        case Person():
            return _person_type(column.field)
        case Llm() | Program():
            return _llm_type(column.type)
        case Judge():
            return pa.float64() if column.criteria else pa.bool_()
        case AbstractNumber():
            return pa.int64() if is_whole(column) else pa.float64()
    return _FIXED_TYPES.get(column.kind)


def capacity(column: AbstractColumn) -> float:
    """How many distinct values a column can give; infinity where it is not bounded."""
    match column:
        case Constant():
            return 1
        case Choice():
            weights = column.weights or (1.0,) * len(column.values)
            pairs = zip(column.values, weights, strict=True)
            usable = [value for value, weight in pairs if weight and value is not None]
            texts = column_type(column) == CATEGORY
            return len({str(value) if texts else value for value in usable})
        case Datetime():
            return _moments(column)
        case Pattern():
            return _strings(column.regex)
        case AbstractNumber() if column.decimals is not None or is_whole(column):
            return _steps(column)
    return 2 if column.kind == "bernoulli" else math.inf


def value_range(column: AbstractNumber) -> tuple[float, float]:
    """The lowest and highest value that a column can have, as far as its constants tell."""
    low, high = _SUPPORTS.get(column.kind, (-math.inf, math.inf))
    if isinstance(column, Binomial) and isinstance(column.trials, int | float):
        high = max(0.0, float(column.trials))
    if isinstance(column.min, int | float):
        low = max(low, float(column.min))
    if isinstance(column.max, int | float):
        high = min(high, float(column.max))
    return low, high


def grid_ends(column: Uniform) -> tuple[int, int] | None:
    """The first and last value in steps of the column's decimals; None without constant ends.

    Whole bounds stay whole: `2**63 - 1` is not a float64.
    """
    low, high, scale = column.min, column.max, 10 ** (column.decimals or 0)
    if isinstance(low, str) or isinstance(high, str):
        return None
    first = low * scale if isinstance(low, int) else math.ceil(low * scale - 1e-9)
    last = high * scale if isinstance(high, int) else math.floor(high * scale + 1e-9)
    return first, last


def _steps(column: AbstractNumber) -> float:
    """How many values with the column's decimals lie in its range."""
    ends = grid_ends(column) if isinstance(column, Uniform) else None
    if ends is not None:
        return max(0, ends[1] - ends[0] + 1)
    scale = float(10 ** (column.decimals or 0))
    low, high = (bound * scale for bound in value_range(column))
    if math.isinf(low) or math.isinf(high):
        return math.inf
    return max(0, math.floor(high + 1e-9) - math.ceil(low - 1e-9) + 1)


def is_whole(column: AbstractNumber) -> bool:
    """Whether all values of a column are whole numbers."""
    if column.decimals is not None:
        return column.decimals == 0
    if isinstance(column, Mixture):
        return all(is_whole(part.column) for part in column.of)
    return isinstance(column, Poisson | Binomial | Zipf)


def _step_type(start: Any, step: Any) -> pa.DataType:
    if isinstance(start, dt.datetime):
        return TIME
    if isinstance(start, dt.date):
        return pa.date32()
    return pa.float64() if isinstance(start, float) or isinstance(step, float) else pa.int64()


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


def _strings(regex: str) -> float:
    from fabula.fakers.regex import PatternError, compile_pattern  # lazily: only for unique ones

    try:
        size = compile_pattern(regex).size
    except PatternError:  # noted as a problem elsewhere
        return math.inf
    return math.inf if size is None else size


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
