"""Values as cells."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fabula.render import grid

_ROOM, _LONGEST, _MOST_DIGITS = 60, 20_000, 6


@dataclass(frozen=True)
class Cell:
    """A value in a table.

    Attributes:
        text: What is shown, on one line.
        kind: `n` for numbers, `none` for a missing value.
    """

    text: str
    kind: str = ""


def cell(value: Any, digits: int | None = None) -> Cell:
    """A value on one line; a float with so many digits after the point."""
    if value is None:
        return Cell("missing", "none")
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    exact = digits is None or not isinstance(value, float)
    text = _text(value) if exact else f"{value:.{digits}f}"
    return Cell(grid.fit(grid.one_line(text), _ROOM), "n" if is_number else "")


def digits_of(values: Iterable[Any]) -> int | None:
    """The digits after the point with which all floats of a column align and lose nothing.

    None where there are no finite ones, or one needs very many.
    """
    finite = [each for each in values if isinstance(each, float) and math.isfinite(each)]
    digits = max(map(_digits, finite), default=_MOST_DIGITS + 1)
    return digits if digits <= _MOST_DIGITS else None


def _digits(value: float) -> int:
    """Digits after the point; very many for a number in another notation."""
    whole, _, rest = repr(value).partition(".")
    return len(rest.rstrip("0")) if (whole + rest).lstrip("-").isdigit() else _MOST_DIGITS + 1


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
