"""Periods of time written as texts: quarters, halves, weeks, fiscal years and seasons."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import is_text

_YEAR, _SHORT, _BETWEEN = r"(1[89]|20)\d\d", r"\d\d", "[ /-]?"
_PART = r"(Q[1-4]|[1-4]Q|[HS][12]|W[0-5]?\d)"
_FORMS = (
    f"{_YEAR}{_BETWEEN}{_PART}",
    f"{_PART}{_BETWEEN}{_YEAR}",
    f"FY{_BETWEEN}({_YEAR}|{_SHORT})([/-]({_YEAR}|{_SHORT}))?",
    f"{_YEAR}[/]({_YEAR}|{_SHORT})",
)
_PERIOD = f"^(?i:{'|'.join(_FORMS)})$"


def are_periods(texts: pa.Array | pa.ChunkedArray[Any]) -> bool:
    """Whether all texts are periods, which name nobody; False if there is none.

    Examples:
        >>> are_periods(pa.array(["2003Q3", "2004Q1"]))
        True
        >>> are_periods(pa.array(["Q3 2003", "A3 2003"]))
        False
    """
    if not is_text(texts.type) or texts.null_count == len(texts):
        return False
    return bool(pc.all(pc.match_substring_regex(texts, _PERIOD)).as_py())
