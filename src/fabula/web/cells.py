"""Values as cells, and how each one was made."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fabula.kinds import KINDS
from fabula.render import grid
from fabula.reports.catalogue import summary
from fabula.streams import BLOCK_ROWS

_ROOM, _LONGEST = 60, 20_000
_TOLD = ("kind", "description", "nulls", "unique", "drop")


@dataclass(frozen=True)
class Cell:
    """A value in a table.

    Attributes:
        text: What is shown, on one line.
        kind: `n` for numbers, `none` for a missing value.
    """

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Made:
    """How the values of a column were made.

    Attributes:
        kind: The column's kind.
        meaning: What that kind does.
        parameters: Its parameters, as the spec gives them.
        stream: What its random numbers depend on.
        model: The language model that wrote it, if one did.
        fake: Whether that model was a fake one.
    """

    kind: str
    meaning: str
    parameters: Mapping[str, str]
    stream: str
    model: str = ""
    fake: bool = False


def cell(value: Any) -> Cell:
    """A value on one line."""
    if value is None:
        return Cell("missing", "none")
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return Cell(grid.fit(grid.one_line(_text(value)), _ROOM), "n" if is_number else "")


def whole(value: Any) -> Cell:
    """A value in full; only what no person reads to its end is cut, and that is said."""
    if value is None:
        return Cell("missing", "none")
    text = _text(value)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text) - _LONGEST:,} more characters)"
    return Cell(text)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value):,} bytes: {value[:24].hex(' ')}{'…' if len(value) > 24 else ''}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)


def made_how(manifest: Mapping[str, Any], table: str, number: int) -> dict[str, Made]:
    """How each column of a row was made, as far as the run's record tells.

    Args:
        manifest: The run's record.
        table: The table.
        number: The row, from 1.
    """
    spec = manifest.get("spec") or {}
    columns = spec.get("tables", {}).get(table, {}).get("columns", {})
    block = (number - 1) // BLOCK_ROWS
    return {
        name: Made(
            kind=column["kind"],
            meaning=summary(KINDS[column["kind"]]) if column["kind"] in KINDS else "",
            parameters={
                key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                for key, value in column.items()
                if key not in _TOLD and value not in (None, [], {}, False)
            },
            stream=f"seed {manifest.get('seed')}, table {table}, column {name}, block {block}",
            model=str(column.get("model") or ""),
            fake=bool(column.get("model") and manifest.get("fake")),
        )
        for name, column in columns.items()
        if isinstance(column, Mapping) and "kind" in column
    }
