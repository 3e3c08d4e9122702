"""Values as cells."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fabula.render import grid

_ROOM, _LONGEST = 60, 20_000


@dataclass(frozen=True)
class Cell:
    """A value in a table.

    Attributes:
        text: What is shown, on one line.
        kind: `n` for numbers, `none` for a missing value.
    """

    text: str
    kind: str = ""


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
