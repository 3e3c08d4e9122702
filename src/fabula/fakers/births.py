"""Dates of birth, and the ages that follow from them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SpecError, Violation
from fabula.fakers.draws import Draws
from fabula.fakers.joining import date_array, number_array

_EPOCH = date(1970, 1, 1)
_OLDEST = 130


class Births:
    """Days of birth, all equally likely, of people whose age on the day `as_of` lies in a range.

    Raises:
        SpecError: The ages are not a range within 0 to 130.
    """

    def __init__(self, ages: tuple[int, int], as_of: date) -> None:
        youngest, oldest = ages
        if not 0 <= youngest <= oldest <= _OLDEST:
            message = f"ages run from 0 to {_OLDEST}, not from {youngest} to {oldest}"
            raise SpecError([Violation("spec.ages", message, hint="ages: [18, 90]")])
        self._as_of = as_of
        self._first = (_years_before(as_of, oldest + 1) + timedelta(days=1) - _EPOCH).days
        self._count = (_years_before(as_of, youngest) - _EPOCH).days - self._first + 1

    def dates(self, draws: Draws) -> pa.Array[Any]:
        """The day of birth."""
        return date_array(self._days(draws))

    def ages(self, draws: Draws) -> pa.Array[Any]:
        """The age in whole years on the day that counts."""
        days = self._days(draws).astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        month_day = (months.astype(np.int32) % 12 + 1) * 100 + (days - months).astype(np.int32) + 1
        years = self._as_of.year - 1970 - days.astype("datetime64[Y]").astype(np.int32)
        before_birthday = month_day > self._as_of.month * 100 + self._as_of.day
        return number_array((years - before_birthday).astype(np.int32))

    def _days(self, draws: Draws) -> NDArray[np.int32]:
        return draws.uniform("birth_date", self._count) + np.int32(self._first)


def _years_before(day: date, years: int) -> date:
    """The same day earlier; 28 February stands in for a missing 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
