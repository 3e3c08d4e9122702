"""The column that dates and times look like: in steps, on some days, on a grid, or at any time."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.inference.guesses import Guess
from fabula.kinds.base.parameters import CALENDAR
from fabula.kinds.datetime import DAYS
from fabula.relationships.common_types import are_days
from fabula.relationships.key_values import would_agree
from fabula.spec import col

Values: TypeAlias = "pa.ChunkedArray[Any]"

_MICROSECONDS = 10**6
_FEWEST_STEPS, _UNITS = 10, {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Equal steps that make times a sequence, and the seconds of units in which they are written."""
_GRIDS = (86_400, 43_200, 21_600, 3_600, 1_800, 900, 600, 300, 60)
"""Seconds between times that people and machines write on the clock, the longest first."""


def guess_times(values: Values, *, complete: bool) -> Guess:
    """A sequence where all times are equally far apart; else their range, days and grid.

    Args:
        values: Dates or times.
        complete: Whether no value is missing.
    """
    low, high = pc.min(values).as_py(), pc.max(values).as_py()
    date = pa.types.is_date(values.type) or are_days(values)
    if isinstance(low, dt.datetime) and date:
        low, high = low.date(), high.date()
    start = low if date else low.replace(tzinfo=None, microsecond=0)
    past = high + dt.timedelta(days=1) if date else high.replace(tzinfo=None, microsecond=0)
    end = past if date else past + dt.timedelta(seconds=1)
    reason = f"from {low:%Y-%m-%d} to {high:%Y-%m-%d}"
    if complete and (step := _step(values)):
        return Guess(col.sequence(start, step), f"{reason} in steps of {_named(step)}")
    present = sorted(day.as_py() for day in pc.unique(pc.day_of_week(values)))
    some = tuple(present) if len(values) >= 50 and len(present) < 7 else None
    grid = None if date else _grid(values, from_midnight=some is not None)
    if grid:
        end += dt.timedelta(seconds=grid - 1)
        reason += f", every {_written(grid)}"
    if step := _periods(values) if date else None:
        end, some = high + dt.timedelta(days=1), None
        reason += f", first days of {_named(step)}"
    if some:
        reason += f", {', '.join(DAYS[day] for day in some)} only"
    step = _written(grid) if grid else step
    kind = col.datetime(start, end, date=date, step=step, weekdays=some)
    open_days = len(some) / 7 if some else 1
    if complete and (date or not some) and _never_repeats(values, kind.capacity() * open_days):
        kind, reason = kind.model_copy(update={"unique": True}), f"{reason}, none of them twice"
    return Guess(kind, reason)


def _never_repeats(values: Values, capacity: float) -> bool:
    """Whether no value comes twice, though chance would have some of so many repeat."""
    sure = would_agree(len(values), 1 / capacity)
    return sure and pc.count_distinct(values).as_py() == len(values)


def _grid(values: Values, *, from_midnight: bool) -> int | None:
    """The seconds between the times that occur, where they are on full minutes or hours."""
    times = _microseconds(values)
    if len(np.unique(times)) < _FEWEST_STEPS:
        return None
    since = times % (_GRIDS[0] * _MICROSECONDS) if from_midnight else times - times.min()
    return next((step for step in _GRIDS if not (since % (step * _MICROSECONDS)).any()), None)


def _periods(values: Values) -> str | None:
    """The longest of year, quarter and month whose first days all dates are."""
    days = values.cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]")
    if len(np.unique(days)) < _FEWEST_STEPS:
        return None
    months = days.astype("datetime64[M]")
    if (days != months.astype("datetime64[D]")).any():
        return None
    numbers = months.astype(np.int64)
    return next(name for name, each in reversed(CALENDAR.items()) if not (numbers % each).any())


def _microseconds(values: Values) -> NDArray[np.int64]:
    plain = values.cast(pa.timestamp("us", getattr(values.type, "tz", None))).cast(pa.int64())
    return np.array(plain.to_numpy())


def _named(step: str) -> str:
    return f"a {step}" if step in CALENDAR else step


def _written(seconds: int) -> str:
    """Seconds in the largest unit that they are a multiple of: `3w`, `15m`."""
    unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _step(values: Values) -> str | None:
    """The step from each time to the next, if all are equal: a day, an hour, three weeks."""
    if calendar := _calendar_step(values):
        return calendar
    steps = np.diff(_microseconds(values))
    if len(steps) < _FEWEST_STEPS or steps[0] <= 0 or (steps != steps[0]).any():
        return None
    return None if steps[0] % _MICROSECONDS else _written(int(steps[0]) // _MICROSECONDS)


def _calendar_step(values: Values) -> str | None:
    """A month, a quarter or a year, if each time is the same day of the next, or its last."""
    times = _microseconds(values).astype("datetime64[us]")
    months = times.astype("datetime64[M]")
    steps = np.diff(months.astype(np.int64))
    if len(steps) < _FEWEST_STEPS or (steps != steps[0]).any():
        return None
    name = next((name for name, each in CALENDAR.items() if each == steps[0]), None)
    day, clock = np.divmod(times - months, np.timedelta64(1, "D"))
    last = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(int) - 1
    alike = day == np.minimum(day[0], last)
    return name if alike.all() and (clock == clock[0]).all() else None
