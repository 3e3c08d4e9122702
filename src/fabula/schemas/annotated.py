"""What annotations and validators say of a column's values, as conditions of its table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlglot import exp

from fabula.databases.schema import Table
from fabula.schemas.formats import FORMATS

_SIGNS = {"ge": exp.GTE, "gt": exp.GT, "le": exp.LTE, "lt": exp.LT}
_LENGTHS = {"min_length": exp.GTE, "max_length": exp.LTE}


def with_conditions(table: Table, name: str, metadata: Iterable[Any]) -> Table:
    """A table with the bounds, lengths and patterns that annotations of a column name."""
    column = exp.column(exp.to_identifier(name, quoted=True))
    found: list[Any] = []
    for item in metadata:
        for word, sign in _SIGNS.items():
            if (bound := getattr(item, word, None)) is not None:
                found.append(sign(this=column.copy(), expression=exp.convert(bound)))
        for word, sign in _LENGTHS.items():
            if (size := getattr(item, word, None)) is not None:
                length = exp.Length(this=column.copy())
                found.append(sign(this=length, expression=exp.convert(size)))
        regex = getattr(item, "pattern", None)
        if regex is not None:
            text = str(getattr(regex, "pattern", regex)).removeprefix("^").removesuffix("$")
            found.append(exp.RegexpLike(this=column.copy(), expression=exp.convert(f"^{text}$")))
    return replace(table, checks=(*table.checks, *found))


def with_format(table: Table, name: str, known_as: str) -> Table:
    """A table whose column of texts is drawn as a format says: `email`, `uri`."""
    drawn = FORMATS[known_as]()
    return table.with_column(name, drawn=drawn, reason=f"it holds `{known_as}`")
