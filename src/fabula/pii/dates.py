"""Dates of birth: as dates, as texts of any form, or as digits such as 19650412."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.written.columns import written_form
from fabula.io.written.time_forms import TimeForm
from fabula.pii.kinds import FEWEST, Finding, found_as, named

_DATED = re.compile(
    r"(18|19|20)\d\d-\d\d-\d\d.*|\d{1,2}[./ -]\d{1,2}[./ -](18|19|20)?\d\d.*|(19|20)\d{6}|"
    r"(18|19|20)\d\d[./]\d{1,2}[./]\d{1,2}.*|.*[^\W\d_]{3,}.*\b(18|19|20)\d\d"
)
"""What may be a date, so that most texts need not be read as one."""

_LONGEST = 80
"""Characters that a date has at most: long texts take the pattern time by their square."""


def written_times(texts: Sequence[str]) -> pa.Array | None:
    """The times that texts stand for, or None if most of them stand for none."""
    dated = sum(len(text) <= _LONGEST and _DATED.fullmatch(text) is not None for text in texts)
    if not texts or dated < len(texts) / 2:
        return None
    values = pa.array(texts, pa.string())
    found = written_form(values)
    if found is None or not isinstance(found.form, TimeForm):
        return None
    times = found.form.read(values)
    is_dated = pa.types.is_timestamp(times.type) or pa.types.is_date(times.type)
    return times if is_dated else None  # a time of day or a month is no one's birthday


def birth_dates(values: pa.Array | pa.ChunkedArray, name: str) -> Finding | None:
    """Dates named as births, or spread over the ages of the living and no later.

    Args:
        values: Dates or times.
        name: What the column is called.
    """
    known = pc.unique(values).drop_null()
    if len(known) < (2 if named("birth_date", name) else FEWEST):
        return None
    years = pc.year(known).to_numpy()
    low, middle, high = np.quantile(years, (0.05, 0.5, 0.95)).tolist()
    if named("birth_date", name) and low >= 1890:
        return found_as("birth_date", 1.0, f"are dates, and `{name}` says births")
    if 1925 <= low <= 1965 and high - low >= 35 and 1955 <= middle <= 1995 and high <= 2015:
        return found_as("birth_date", 0.9, "are dates over the ages of the living")
    return None
