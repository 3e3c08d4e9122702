"""The type of a list of plain values, and of what a language model or a program gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from fabula.kinds.base.parameters import Scalar
from fabula.kinds.base.problems import WHOLE, Problem

TIME = "timestamp[us]"
CATEGORY = "category"
"""Strings of few distinct values."""

_NAMED = {
    "str": "string",
    "int": "int64",
    "float": "float64",
    "bool": "bool",
    "date": "date32",
    "list[str]": "list[string]",
    "list[int]": "list[int64]",
    "list[float]": "list[float64]",
}
_JSON = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool"}


def type_of_values(values: Sequence[Scalar]) -> str:
    """One type for all values; strings are categories, mixed values become strings."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return "bool"
    if kinds <= {int}:
        return "int64"
    if kinds <= {int, float}:
        return "float64"
    if kinds <= {dt.date}:
        return "date32"
    if kinds <= {dt.date, dt.datetime}:
        return TIME
    return CATEGORY


def type_of_wanted(wanted: Any) -> str:
    """The type of values that are asked for by a name, a list of values or a JSON Schema."""
    if isinstance(wanted, str):
        return _NAMED[wanted]
    if isinstance(wanted, tuple):
        return type_of_values(wanted)
    if "enum" in wanted:
        return type_of_values(tuple(wanted["enum"]))
    if wanted.get("format") == "date":
        return "date32"
    return _JSON.get(str(wanted.get("type")), "string")


def whole_number_problems(values: Sequence[Scalar], parameter: str) -> Iterator[Problem]:
    """Whole numbers among whole numbers that 64 bits don't hold."""
    if all(isinstance(value, int) or value is None for value in values):
        for value in values:
            if isinstance(value, int) and value not in WHOLE:
                message = f"{value} is not a 64-bit whole number"
                hint = f'write it as text: "{value}"'
                yield Problem("spec.bad-number", message, parameter, hint)
