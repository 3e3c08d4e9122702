"""What a condition became, in a few words for the screen."""

from __future__ import annotations

import re

from fabula.kinds.base.columns import AbstractColumn


def shown(what: str, column: AbstractColumn) -> str:
    """The values, the pattern or the bounds of a column."""
    if what == "values":
        return ", ".join(map(str, column.allowed or ()))
    return str(column.matches) if what == "pattern" else _bounds(column)


def _bounds(column: AbstractColumn) -> str:
    low, high = column.limits
    return f"{_short(low)}–{_short(high)}"


def _short(bound: object) -> str:
    if isinstance(bound, float):
        return f"{bound:g}"
    return re.sub(r"[ T]00:00:00$", "", str(bound)) if bound is not None else "…"
