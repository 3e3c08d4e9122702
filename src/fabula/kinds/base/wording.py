"""Parts of sentences about columns and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_SHOWN = 5


def names(columns: Sequence[str]) -> str:
    """Column names as `a` and `b`."""
    return " and ".join(f"`{column}`" for column in columns)


def values(items: Sequence[Any]) -> str:
    """A few values, and how many more there are."""
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(str(item) for item in items[:_SHOWN]) + more


def interval(low: Any, high: Any) -> str:
    """Two bounds in words; either may be missing."""
    least, most = (f"{end:g}" if isinstance(end, float) else str(end) for end in (low, high))
    if high is None:
        return f"at least {least}"
    if low is None:
        return f"at most {most}"
    return f"exactly {least}" if low == high else f"{least} to {most}"
