"""The column kind for dates and times."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from fabula.spec.columns import AbstractColumn
from fabula.spec.parameters import Duration, Moment

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


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


class Datetime(AbstractColumn):
    """A time between `start` and `end`, or `within` a duration after `start`.

    Attributes:
        start: A date or time, or an expression (`customer_id.signed_up`).
        end: Likewise; not included.
        within: Longest time after `start`.
        date: Whole dates instead of times.
        hours: Hours of the day that may occur, `9-17`.
        weekdays: Days that may occur, `mon-fri`.
        season: Weight of each month, `{dec: 3}`; 1 where unnamed.
    """

    kind: Literal["datetime"] = "datetime"
    start: Moment = dt.date(2020, 1, 1)
    end: Moment | None = None
    within: Duration | None = None
    date: bool = False
    hours: Annotated[tuple[float, float] | None, BeforeValidator(_hours)] = None
    weekdays: Annotated[
        tuple[Annotated[int, Field(ge=0, le=6)], ...] | None, BeforeValidator(_weekdays)
    ] = None
    season: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...] | None, BeforeValidator(_season)
    ] = None

    expressions: ClassVar = ("start", "end")

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
        return self
