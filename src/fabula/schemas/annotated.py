"""What annotations and validators say of a column's values, as conditions of its table."""

from __future__ import annotations

import datetime as dt
import re
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
                told = bound.isoformat() if isinstance(bound, dt.date | dt.time) else bound
                found.append(sign(this=column.copy(), expression=exp.convert(told)))
        for word, sign in _LENGTHS.items():
            if (size := getattr(item, word, None)) is not None:
                length = exp.Length(this=column.copy())
                found.append(sign(this=length, expression=exp.convert(size)))
        if (step := getattr(item, "multiple_of", None)) is not None:
            rest = exp.Mod(this=column.copy(), expression=exp.convert(step))
            found.append(exp.EQ(this=rest, expression=exp.convert(0)))
        for word in ("pattern", "refused"):
            if (regex := getattr(item, word, None)) is not None:
                form = exp.RegexpILike if getattr(regex, "flags", 0) & re.I else exp.RegexpLike
                text = exp.convert(str(getattr(regex, "pattern", regex)))
                rule = form(this=column.copy(), expression=text)
                found.append(exp.Not(this=rule) if word == "refused" else rule)
    return replace(table, checks=(*table.checks, *found))


def with_format(table: Table, name: str, known_as: str) -> Table:
    """A table whose column of texts is drawn as a format says: `email`, `uri`."""
    drawn = FORMATS[known_as]()
    return table.with_column(name, drawn=drawn, reason=f"it holds `{known_as}`")
