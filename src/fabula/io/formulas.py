"""Texts that a spreadsheet runs as a formula: found when CSV is written, escaped on request.

Spreadsheets run a cell that starts like a formula, in quotes or not, and a formula can send data
away or start a program ("CSV injection"). Numbers such as `-5` and `+1.5e3` are none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

logger = logging.getLogger(__name__)

START = "[=@+\\-\t\r\n\uff1d\uff20\uff0b\uff0d]"
"""What a formula starts with; the last four are the full-width forms."""
NUMBER = (
    r"[+-][\s.,$€£¥]*\d[\d.,\s]*(?:[eE][+-]?\d+)?\s*[%$€£¥]?\s*$"
    r"|[+-][+\-\s]*$"
)
"""What starts so and is none: a number with a sign, or signs alone."""
_FORMULA = re.compile(f"(?!{NUMBER}){START}", re.ASCII)
NO_FORMULAS: Mapping[str, int] = MappingProxyType({})

_asked: ContextVar[bool] = ContextVar("escape_formulas", default=False)


@contextmanager
def escaping_formulas(asked: bool = True) -> Iterator[None]:
    """Have all CSV that is written inside escape formulas, unless its writer is told otherwise."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def is_asked(asked: bool | None) -> bool:
    """Whether formulas are escaped: as said, else as said for all that is written."""
    return _asked.get() if asked is None else asked


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run a text."""
    return _FORMULA.match(text) is not None


def escaped(text: str) -> str:
    """The text, with the quote before it that makes spreadsheets show it."""
    return f"'{text}" if is_formula(text) else text


def told(found: Mapping[str, int], *, escaped: bool) -> str:
    """What is said about the formulas in a file; nothing if there are none."""
    if not found:
        return ""
    columns = ", ".join(f"{count:,} in `{name}`" for name, count in found.items())
    total = sum(found.values())
    are = "cell starts" if total == 1 else "cells start"
    cells = f"{total:,} {are} like a spreadsheet's formula ({columns})"
    if escaped:
        return f"{cells}; written with ' before it"
    option = "--escape-formulas (in Python `escape_formulas=True`)"
    return f"{cells}; a spreadsheet would run it: {option} writes ' before it"


def tell(place: str, found: Mapping[str, int], *, escaped: bool) -> None:
    """Warn about the formulas in a file."""
    if text := told(found, escaped=escaped):
        logger.warning("`%s`: %s", place, text)
