"""The types that column parameters are made of."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
)


def listed(value: object) -> object:
    """One text as a list of it, for parameters that take several."""
    return [value] if isinstance(value, str) else value


Parameter: TypeAlias = int | float | StrictStr
"""A number, or a SQL expression over earlier columns of the row (`"20 * size"`)."""

MOST_COUNT = 2.0**62
"""Largest mean or number of trials of a count."""


@dataclass(frozen=True)
class Limit:
    """What numbers a parameter can be, whether written in the spec or computed for a row.

    Attributes:
        least: The lowest number.
        most: The highest number.
        above: A number in the spec must be above `least`.
        in_rows: The lowest number that an expression may give, if it is not `least`.
        problem: What is wrong with other numbers in the spec, for a sentence about the parameter.
        repair: An expression that keeps the limit, with `{name}` for the parameter.
    """

    least: float
    most: float = math.inf
    above: bool = False
    in_rows: float | None = None
    problem: str = "must be above 0"
    repair: str = "greatest({name}, 0.01)"

    def broken_by(self, value: float) -> str | None:
        """What is wrong with a number in the spec; None if it is within the limit."""
        if value < self.least or (self.above and value == self.least):
            return self.problem
        return self.too_large if value > self.most else None

    @property
    def too_large(self) -> str:
        """What is wrong with a number above `most`."""
        return "is too large to count" if self.most == MOST_COUNT else self.problem


_NOT_BELOW_0 = "must not be below 0"

Positive: TypeAlias = Annotated[Parameter, Limit(0.0, above=True, in_rows=1e-300)]
"""A parameter above 0."""

Shape: TypeAlias = Annotated[Parameter, Limit(0.0, above=True, in_rows=1e-9)]
"""A parameter above 0 that forms a distribution; below 1e-9 no float64 distinguishes its values."""

Scale: TypeAlias = Annotated[Parameter, Limit(0.0, above=True, in_rows=0.0)]
"""A width above 0; in single rows it may be 0."""

NotNegative: TypeAlias = Annotated[Parameter, Limit(0.0, problem=_NOT_BELOW_0)]
"""A parameter from 0."""

Count: TypeAlias = Annotated[Parameter, Limit(0.0, MOST_COUNT, problem=_NOT_BELOW_0)]
"""A mean or number of things that are counted."""

Chance: TypeAlias = Annotated[
    Parameter,
    Limit(0.0, 1.0, problem="must lie in 0 to 1", repair="least(greatest({name}, 0), 1)"),
]
"""A probability."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")


def _iso(value: Any) -> Any:
    """Read `2024-05-01` as a date, so that JSON, which has no dates, says the same as YAML."""
    if not isinstance(value, str) or not _ISO.fullmatch(value):
        return value
    try:
        return (dt.date if len(value) == 10 else dt.datetime).fromisoformat(value)
    except ValueError:
        raise ValueError(f"`{value}` is not a date or time") from None


Instant: TypeAlias = Annotated[dt.datetime | dt.date, BeforeValidator(_iso)]
"""A date or time."""

Moment: TypeAlias = Annotated[dt.datetime | dt.date | StrictStr, BeforeValidator(_iso)]
"""A date or time, or a SQL expression over earlier columns (`customer_id.signed_up`)."""

Scalar: TypeAlias = StrictBool | int | float | dt.datetime | dt.date | StrictStr | None
"""One plain value of a cell."""

Probability: TypeAlias = Annotated[float, Field(ge=0, le=1)]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdwy])")


class SpecModel(BaseModel):
    """Base of everything in a spec: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The plain values in the short forms that a file would hold."""
        return plain


def seconds(duration: str) -> float:
    """The length of a duration such as `700d`, `12h` or `1d12h`, in seconds.

    Raises:
        ValueError: The text is not a duration.
    """
    parts = _DURATION.findall(duration)
    if not parts or _DURATION.sub("", duration).strip():
        raise ValueError(
            f"`{duration}` is not a duration; write `90m`, `12h`, `700d`, `3w` or `2y`"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _is_duration(value: str) -> str:
    seconds(value)
    return value


Duration: TypeAlias = Annotated[StrictStr, AfterValidator(_is_duration)]
"""A length of time: `90m`, `12h`, `700d`, `3w`, `2y`."""


CALENDAR = {"month": 1, "quarter": 3, "year": 12}
"""Months of the steps whose length depends on the calendar."""

CalendarStep: TypeAlias = Literal["month", "quarter", "year"]


def month_number(day: dt.date) -> int:
    """The month of a day, counted from January 1970."""
    return (day.year - 1970) * 12 + day.month - 1


def as_moment(value: Moment) -> dt.datetime | None:
    """The constant time that a moment states, or None when it is an expression."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    try:
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def limit_of(metadata: list[Any]) -> Limit:
    """The limit in a field's metadata; without one, every number is allowed."""
    return next((item for item in metadata if isinstance(item, Limit)), Limit(-math.inf))


def plain_number(value: float) -> float:
    """A whole number without its `.0`, where only its size matters."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def is_expression(value: Any) -> bool:
    """Whether a parameter is SQL over earlier columns rather than a constant."""
    return isinstance(value, str)
