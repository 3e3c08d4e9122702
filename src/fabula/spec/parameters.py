"""The types that column parameters are made of."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
)

Parameter: TypeAlias = int | float | StrictStr
"""A number, or a SQL expression over earlier columns of the row (`"20 * size"`)."""

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


def is_expression(value: Any) -> bool:
    """Whether a parameter is SQL over earlier columns rather than a constant."""
    return isinstance(value, str)
