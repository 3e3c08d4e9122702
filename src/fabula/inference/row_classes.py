"""Rows as objects of the class that a table was made from: the class has the last word.

Nested values are kept as JSON text in a column; they are decoded where the class wants more than
text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from fabula.errors import CheckError


def objects_of(cls: type, rows: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    """The rows as objects of a Pydantic class or a dataclass.

    Raises:
        CheckError: The class refuses a row.
    """
    adapter = _adapter(cls)
    for number, row in enumerate(rows):
        try:
            yield _validated(adapter, row)
        except ValidationError as error:
            problems = "; ".join(map(_problem, error.errors()))
            raise CheckError(
                f"`{cls.__name__}` refuses row {number}: {problems}",
                code="check.row-class",
                hint="say more about the field: bounds, a pattern, or `Annotated[…, col.…(…)]`",
            ) from error


def row_problems(
    cls: type, row: Mapping[str, Any], asked: Collection[str] | None = None
) -> list[str]:
    """What a class has against an unfinished row; fields still to come are not a fault.

    Args:
        cls: The class.
        row: The values so far.
        asked: The fields that may be at fault; by default all.
    """
    may_fail = row.keys() if asked is None else asked
    try:
        _validated(_adapter(cls), row)
    except ValidationError as error:
        found = error.errors()
        whole = not any(item["type"] == "missing" for item in found)
        return [
            _problem(item)
            for item in found
            if (item["loc"][0] in may_fail if item["loc"] else whole) and item["type"] != "missing"
        ]
    return []


@cache
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _validated(adapter: TypeAdapter[Any], row: Mapping[str, Any]) -> Any:
    try:
        return adapter.validate_python(dict(row), by_alias=True, by_name=True)
    except ValidationError as error:
        decoded = _decoded(row, error)
        if decoded is None:
            raise
        return adapter.validate_python(decoded, by_alias=True, by_name=True)


def _decoded(row: Mapping[str, Any], error: ValidationError) -> dict[str, Any] | None:
    """The row with its refused texts read as JSON, or None if there are none."""
    refused = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
    decoded = dict(row)
    for name in refused & set(row):
        value = row[name]
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                decoded[name] = json.loads(value)
            except ValueError:
                continue
    return decoded if decoded != dict(row) else None


def _problem(item: ErrorDetails) -> str:
    """An error in words: the field, what is wrong and the value."""
    field = ".".join(map(str, item["loc"])) or "the row"
    message = item["msg"][:1].lower() + item["msg"][1:]
    value = "" if item["type"] == "missing" else f", not {_shown(item['input'])}"
    return f"`{field}`: {message}{value}"


def _shown(value: Any) -> str:
    text = "the row" if isinstance(value, Mapping | BaseModel) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
