"""Values over time: level, trend, seasons, noise that lasts, shared shocks, faults of sensors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, StrictStr

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn, AbstractNumber
from fabula.kinds.base.parameters import (
    CALENDAR,
    Duration,
    Instant,
    NotNegative,
    Parameter,
    Probability,
    SpecModel,
    as_moment,
    is_expression,
    seconds,
)
from fabula.kinds.base.problems import Problem
from fabula.kinds.sequence import Sequence

MOST_SPELL = 1_000
"""The longest mean length of gaps and stuck readings, in steps."""


class Wave(SpecModel):
    """A cosine over the year or the day.

    Attributes:
        amplitude: What it adds at its peak, and removes half a period later.
        peak: The day of the year (1 to 366), or the hour of the day (0 to 24), of the peak.
    """

    amplitude: float = Field(ge=0)
    peak: float = Field(ge=0, le=366)


class Spell(SpecModel):
    """A state that comes and goes: readings that are missing, or that repeat.

    Attributes:
        share: Share of the time that it lasts.
        length: Mean length in steps.
    """

    share: float = Field(ge=0, lt=1)
    length: float = Field(default=1.0, ge=1, le=MOST_SPELL)


class Spikes(SpecModel):
    """Single wrong readings, half of them too high and half of them too low.

    Attributes:
        share: Share of the readings.
        size: How far they are off, between half and one and a half times this.
    """

    share: Probability
    size: float = Field(gt=0)


Months: TypeAlias = Annotated[tuple[float, ...], Field(min_length=12, max_length=12)]
Weekdays: TypeAlias = Annotated[tuple[float, ...], Field(min_length=7, max_length=7)]
Hours: TypeAlias = Annotated[tuple[float, ...], Field(min_length=24, max_length=24)]


@column_kind(
    example=(
        "{kind: series, at: day, step: 1d, level: 12, noise: 3, ar: 0.7,"
        " yearly: {amplitude: 9, peak: 200}}"
    ),
    aka=("timeseries", "time_series", "sensor"),
)
class Series(AbstractNumber):
    """A number that follows the time in column `at`, for each value of column `of` its own.

    A value is `level`, plus `trend`, seasons and noise. It depends on the entity and the time
    alone, so rows may be in any order.

    Attributes:
        at: A time, or an expression that gives one.
        of: The column that identifies whose series it is, usually a reference; by default all rows
            are of one series.
        step: How long noise stays the same; by default the step of a `sequence` in `at`.
        level: The value without everything that follows.
        spread: Standard deviation of the entities' own levels.
        trend: Change a year.
        since: When the trend is 0; by default the start of a `sequence` in `at`.
        yearly: A wave, or what each month adds.
        weekly: What each weekday adds, Monday first.
        daily: A wave, or what each hour adds.
        noise: Standard deviation of the noise.
        ar: Correlation of the noise with that of the step before.
        shared: Correlation of the noise of two entities at the same time.
        shock: Name of the shared part of the noise; series of the same name share it, in other
            columns and tables too.
        effects: `add`, or `multiply`: trend, seasons, spread and noise are shares of the level.
        gaps: Times without readings.
        stuck: Times in which a sensor repeats its last reading.
        spikes: Single wrong readings.
    """

    kind: Literal["series"] = "series"
    at: StrictStr
    of: str | None = None
    step: Duration | None = None
    level: Parameter = 0.0
    spread: float = Field(default=0.0, ge=0)
    trend: Parameter = 0.0
    since: Instant | None = None
    yearly: Wave | Months | None = None
    weekly: Weekdays | None = None
    daily: Wave | Hours | None = None
    noise: NotNegative = 0.0
    ar: float = Field(default=0.0, ge=-0.99, le=0.99)
    shared: Probability = 0.0
    shock: str | None = None
    effects: Literal["add", "multiply"] = "add"
    gaps: Spell | None = None
    stuck: Spell | None = None
    spikes: Spikes | None = None

    section: ClassVar = "times"
    expressions: ClassVar = ("at", "level", "trend", "noise", "min", "max")
    times: ClassVar = ("at",)
    positional: ClassVar = ("at", "level")

    def reads(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """The column that identifies whose series it is."""
        del before
        return () if self.of is None else (self.of,)

    def among(self, columns: Mapping[str, AbstractColumn]) -> Series:
        """The series with the step and the start of the sequence that it follows."""
        clock = columns.get(self.at.strip().strip('"'))
        if not isinstance(clock, Sequence) or not isinstance(clock.start, dt.date):
            return self
        if clock.step in CALENDAR:  # of no one length
            return self.model_copy(update={"since": self.since or clock.start})
        step = clock.step if isinstance(clock.step, str) else f"{abs(clock.step):g}d"
        found = {"step": self.step or step, "since": self.since or clock.start}
        return self.model_copy(update=found)

    def problems(self) -> Iterator[Problem]:
        """A step or a start that nothing tells, and factors that turn values around."""
        if as_moment(self.at) is not None:
            message = "`at` names a column of times, and this is one time"
            yield Problem(
                "spec.wrong-type", message, "at", "name a `sequence` or `datetime` column"
            )
        if self.step is None:
            hint = "write `step: 1d`, or let `at` name a `sequence` of days, hours or weeks"
            yield Problem("spec.missing-key", "a series needs the length of its steps", hint=hint)
        elif seconds(self.step) <= 0:
            yield Problem("spec.bad-number", "`step` must be above 0", "step")
        if self.trend != 0 and self.since is None:
            message, hint = "`trend` counts from a time", "write `since: 2025-01-01`"
            yield Problem("spec.missing-key", message, "trend", hint)
        for name in ("spread", "shared"):
            if getattr(self, name) and self.of is None and self.shock is None:
                message = f"`{name}` is about several series, and this is one"
                yield Problem("spec.missing-key", message, name, "name their column: `of: sensor`")
        if isinstance(self.daily, Wave) and self.daily.peak > 24:
            yield Problem("spec.bad-number", "an hour lies in 0 to 24", "daily.peak")
        if not is_expression(self.noise) and float(self.noise) < 0:
            yield Problem("spec.bad-number", "`noise` must not be below 0", "noise")
        if self.effects == "multiply":
            for name in ("trend", "yearly", "weekly", "daily"):
                value = getattr(self, name)
                least = -value.amplitude if isinstance(value, Wave) else value
                least = min(least) if isinstance(least, tuple) else least
                if isinstance(least, int | float) and least < -1:
                    message = f"`{name}` subtracts more than the level"
                    hint = "with `effects: multiply`, 0.2 means 20 % of the level"
                    yield Problem("spec.bad-number", message, name, hint)
        yield from super().problems()
