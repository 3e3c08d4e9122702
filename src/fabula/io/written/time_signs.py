"""The signs of `strftime` that forms of times are made of."""

from __future__ import annotations

from collections.abc import Mapping

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
NAMES: Mapping[str, tuple[str, ...]] = {
    "b": tuple(month[:3] for month in _MONTHS),
    "B": _MONTHS,
    "a": tuple(day[:3] for day in _WEEKDAYS),
    "A": _WEEKDAYS,
    "p": ("AM", "PM"),
}
"""Signs that are words, by the number that each word stands for."""

WIDTHS: Mapping[str, tuple[int, int]] = {
    "Y": (4, 4), "y": (2, 2), "m": (1, 2), "d": (1, 2), "H": (1, 2), "I": (1, 2), "M": (2, 2),
    "S": (2, 2), "f": (1, 9), "j": (3, 3), "G": (4, 4), "V": (2, 2), "q": (1, 1), "h": (1, 1),
    "n": (2, 2), "N": (4, 4),
}  # fmt: skip
"""Digits of each sign, at least and at most.

Periods have signs of their own: a day of the year (`j`), an ISO week of its year (`V` of `G`), a
quarter (`q`), a half (`h`), and the year after the one before it, in two or four digits (`n`, `N`).
"""


def cased(name: str, flag: str) -> str:
    """A word in capitals or small letters, as a flag says."""
    return {"^": name.upper(), "_": name.lower()}.get(flag, name)
