"""The column kind for dates and times."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import (
    CALENDAR,
    CalendarStep,
    Duration,
    Moment,
    as_moment,
    month_number,
    plain_number,
    seconds,
)
from fabula.kinds.base.problems import Problem
from fabula.kinds.base.values import TIME

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_DAY = 86_400
_WEEKDAY = {"enum": [*DAYS, *range(7)]}
_MONTH = "|".join(f"{month}|{month.title()}|{month.upper()}" for month in MONTHS)


def _weekdays(value: Any) -> Any:
    """Turn `mon-fri` or `[mon, sat]` into day numbers, Monday being 0."""
    if isinstance(value, str):
        first, _, last = value.partition("-")
        value = list(DAYS[_day(first) : _day(last or first) + 1])
    if isinstance(value, list | tuple):
        return tuple(_day(item) if isinstance(item, str) else item for item in value)
    return value


def _day(name: str) -> int:
    if name.strip().lower()[:3] not in DAYS:
        raise ValueError(f"`{name}` is not a weekday; write `mon` … `sun` or `mon-fri`")
    return DAYS.index(name.strip().lower()[:3])


def _hours(value: Any) -> Any:
    """Turn `9-17` into (9, 17)."""
    if isinstance(value, str):
        first, _, last = value.partition("-")
        try:
            return (float(first), float(last))
        except ValueError:
            raise ValueError(f"`{value}` are not hours; write `9-17`") from None
    return value


def _season(value: Any) -> Any:
    """Turn `{dec: 3, jan: 0.5}` into twelve monthly weights, 1 where unnamed."""
    if not isinstance(value, dict):
        return value
    weights = dict.fromkeys(MONTHS, 1.0)
    for name, weight in value.items():
        month = MONTHS[name - 1] if isinstance(name, int) and 1 <= name <= 12 else str(name)[:3]
        if month.lower() not in weights:
            raise ValueError(f"`{name}` is not a month; write `jan` … `dec`")
        weights[month.lower()] = weight
    return tuple(weights.values())


@column_kind(
    example="{kind: datetime, start: 2024-01-01, end: 2026-01-01, hours: 9-17}",
    aka=("date", "timestamp"),
)
class Datetime(AbstractColumn):
    """A time between `start` and `end`, or `within` a duration after `start`.

    Attributes:
        start: A date or time, or an expression (`customer_id.signed_up`).
        end: Likewise; not included.
        within: Longest time after `start`.
        step: Only times at such steps from `start`, `15m`, `1h`; from midnight where `hours`,
            `weekdays` or `season` shape a day. `month`, `quarter` or `year`: only their first days.
        date: Whole dates instead of times.
        hours: Hours of the day that may occur, `9-17`.
        weekdays: Days that may occur, `mon-fri`.
        season: Weight of each month, `{dec: 3}`; 1 where unnamed.
    """

    kind: Literal["datetime"] = "datetime"
    start: Moment = dt.date(2020, 1, 1)
    end: Moment | None = None
    within: Duration | None = None
    step: CalendarStep | Duration | None = None
    date: bool = False
    hours: Annotated[tuple[float, float] | None, BeforeValidator(_hours)] = None
    weekdays: Annotated[
        tuple[Annotated[int, Field(ge=0, le=6)], ...] | None, BeforeValidator(_weekdays)
    ] = None
    season: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...] | None, BeforeValidator(_season)
    ] = None

    section: ClassVar = "times"
    expressions: ClassVar = ("start", "end")
    times: ClassVar = ("start", "end")
    positional: ClassVar = ("start", "end")
    short_forms: ClassVar = {
        "hours": {"type": "string", "pattern": r"^[\d.]+-[\d.]+$"},
        "weekdays": {"anyOf": [{"type": "string"}, {"type": "array", "items": _WEEKDAY}]},
        "season": {
            "type": "object",
            "propertyNames": {"pattern": f"^(({_MONTH})[A-Za-z]*|[1-9]|1[0-2])$"},
            "additionalProperties": {"type": "number", "minimum": 0},
        },
    }

    @model_validator(mode="after")
    def _coherent(self) -> Datetime:
        if self.end is not None and self.within is not None:
            raise ValueError("give `end` or `within`, not both")
        if self.end is None and self.within is None:
            raise ValueError("give `end`, or `within` for a time after `start`")
        if self.season is not None and (len(self.season) != 12 or not sum(self.season) > 0):
            raise ValueError("`season` takes twelve weights, at least one above 0")
        if self.hours is not None and not 0 <= self.hours[0] < self.hours[1] <= 24:
            raise ValueError("`hours` must rise within 0-24")
        if self.weekdays is not None and not self.weekdays:
            raise ValueError("`weekdays` names no day")
        self._check_step()
        return self

    @property
    def is_shaped(self) -> bool:
        """Whether some times of a day, days or months are likelier than others."""
        shapes = (self.hours, self.weekdays, self.season)
        return any(shape is not None for shape in shapes)

    @property
    def months(self) -> int:
        """Months from each possible day to the next; 0 for other steps and none."""
        return CALENDAR.get(self.step or "", 0)

    def _check_step(self) -> None:
        if self.step is None:
            return
        if self.months:
            if self.is_shaped:
                raise ValueError(
                    f"`step: {self.step}` goes with neither `hours`, `weekdays` nor `season`"
                )
            return
        step = seconds(self.step)
        if not step or step % (_DAY if self.date else 1):
            unit = "days" if self.date else "seconds"
            raise ValueError(f"`step: {self.step}` is not a number of whole {unit}")
        if self.is_shaped and _DAY % step:
            raise ValueError("with `hours`, `weekdays` or `season`, a `step` divides a day evenly")
        if self.hours is not None and self.hours[0] * 3600 % step:
            raise ValueError("`hours` begin at a `step` from midnight")

    def arrow_type(self) -> str:
        """Times, or whole dates."""
        return "date32" if self.date else TIME

    @property
    def limits(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """`start` and `end`, if they are constants."""
        return as_moment(self.start), None if self.end is None else as_moment(self.end)

    def capacity(self) -> float:
        """The steps, seconds or days between the bounds."""
        start, end = self.limits
        if self.months and start is not None and end is not None:
            return max(0, first_period(end, self.months) - first_period(start, self.months))
        if self.within is not None:
            length = seconds(self.within)
        elif start is not None and end is not None:
            length = (end - start).total_seconds()
        else:
            return math.inf
        if self.months:
            return math.inf
        step = seconds(self.step) if self.step else _DAY if self.date else 1
        return math.inf if start is None else max(0, math.ceil(length / step))

    def problems(self) -> Iterator[Problem]:
        """Bounds between which no time lies."""
        start, end = self.limits
        if start is not None and end is not None and start >= end:
            message = f"`start` {start} is not before `end` {end}: no time fits"
            yield Problem("spec.empty-range", message, "start")
        elif self.months and self.capacity() == 0:
            message = f"no {self.step} begins between `start` {start} and `end` {end}"
            yield Problem("spec.empty-range", message, "step")
        if self.within is not None:
            room = dt.datetime.max - (start or dt.datetime(1970, 1, 1))
            if seconds(self.within) > room.total_seconds():
                message = f"`within: {self.within}` leads beyond the year 9999"
                yield Problem("spec.bad-number", message, "within")

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Hours, weekdays and months by name."""
        short = dict(plain)
        if self.hours is not None:
            short["hours"] = "-".join(f"{hour:g}" for hour in self.hours)
        if self.weekdays is not None:
            short["weekdays"] = [DAYS[day] for day in self.weekdays]
        if self.season is not None:
            months = zip(MONTHS, map(plain_number, self.season), strict=True)
            short["season"] = {month: weight for month, weight in months if weight != 1}
        return short


def first_period(time: dt.datetime, months: int) -> int:
    """The first month, quarter or year, counted from 1970, that begins at a time or after it."""
    return -(-(month_number(time) + (time > dt.datetime(time.year, time.month, 1))) // months)
