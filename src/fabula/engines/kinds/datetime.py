"""Dates and times: ranges, durations after another column, office hours, weekdays, seasons."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.scalars import microseconds, seconds_of_months
from fabula.errors import CheckError
from fabula.io.arrays import array_of, numbers_of
from fabula.kinds.base.parameters import Moment, as_moment, seconds
from fabula.kinds.datetime import Datetime
from fabula.planning.plan import ColumnPlan

Times = NDArray[np.int64]
"""Microseconds since 1970."""

_BACKWARDS = (
    "`end` of column `{name}` is before its `start`",
    "bound one of them in its expression, such as `greatest(start, end)`",
)
_UNFIT = (
    "no time between the bounds of column `{name}` fits its hours, weekdays and season",
    "widen the bounds, or allow more hours, weekdays or months",
)

_UNBEGUN = (
    "no first day lies between the bounds of column `{name}`",
    "widen the bounds, or write a shorter `step`",
)

_DAY = 86_400
_MICROSECONDS = 1_000_000


@engine_of("datetime")
def datetime_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Whole seconds (or dates), uniform over the time that the column allows."""
    del table
    spec = column.spec
    assert isinstance(spec, Datetime)
    shaped = spec.is_shaped
    length = None if spec.within is None else round(seconds(spec.within))
    months = spec.months
    step = None if spec.step is None or months else round(seconds(spec.step))

    def make(block: Block) -> Array:
        start, no_start = _edge(spec.start, column, block, "start")
        if length is not None:
            end, no_end = start + length, None
        else:
            assert spec.end is not None
            end, no_end = _edge(spec.end, column, block, "end")
        missing = _either(no_start, no_end)
        backwards = np.broadcast_to(end < start, block.rows)
        _demand_none(backwards, missing, block, column, _BACKWARDS)
        u = block.rng(column.name).random(block.rows)
        if shaped:
            drawn, outside = _shaped(spec, start, end, u)
            _demand_none(outside, missing, block, column, _UNFIT)
        elif months:
            drawn, outside = _first_days(start, end, months, u)
            _demand_none(outside, missing, block, column, _UNBEGUN)
        else:
            drawn = _plain(start, end, u)
        if step is not None:
            drawn = _stepped(drawn, start, end, step, from_midnight=shaped)
        times = array_of(drawn * _MICROSECONDS, pa.timestamp("us"), missing=missing)
        return pc.floor_temporal(times, unit="day").cast(pa.date32()) if spec.date else times

    return make


def _edge(
    moment: Moment, column: ColumnPlan, block: Block, name: str
) -> tuple[Times, NDArray[np.bool_] | None]:
    """A bound in seconds since 1970, one a row or one for all, and where it is missing."""
    formula = block.formulas.get((column.name, name))
    if formula is None:
        fixed = as_moment(moment)
        assert fixed is not None
        return np.array(microseconds(fixed) // _MICROSECONDS, dtype=np.int64), None
    times = formula.cast(pa.timestamp("us")).cast(pa.int64())
    missing = None
    if times.null_count:
        missing = numbers_of(times.is_null())
        times = times.fill_null(0)
    seconds_since: Times = numbers_of(times) // _MICROSECONDS
    return seconds_since, missing


def _demand_none(
    bad: NDArray[np.bool_],
    missing: NDArray[np.bool_] | None,
    block: Block,
    column: ColumnPlan,
    problem: tuple[str, str],
) -> None:
    """Refuse bounds between which no time lies, naming the row."""
    bad = bad if missing is None else bad & ~missing
    if bad.any():
        row = block.start + int(np.argmax(bad)) + 1
        message, hint = problem
        raise CheckError(
            f"{message.format(name=column.name)} in row {row}",
            code="engine.empty-range",
            where=f"tables.{block.table.name}.columns.{column.name}",
            hint=hint,
        )


def _either(
    left: NDArray[np.bool_] | None, right: NDArray[np.bool_] | None
) -> NDArray[np.bool_] | None:
    return right if left is None else left if right is None else left | right


def _plain(start: Times, end: Times, u: NDArray[np.float64]) -> Times:
    length = np.maximum(end - start, 1)
    drawn: Times = start + (u * length).astype(np.int64)
    return drawn


def _stepped(drawn: Times, start: Times, end: Times, step: int, *, from_midnight: bool) -> Times:
    """The last step before each time; the next one, or the start, where that is too early."""
    since = drawn // _DAY * _DAY if from_midnight else start
    found = since + (drawn - since) // step * step
    found = np.where(found < start, found + step, found)
    return np.where(found < end, found, start)


def _first_days(
    start: Times, end: Times, months: int, u: NDArray[np.float64]
) -> tuple[Times, NDArray[np.bool_]]:
    """First days of months, quarters or years, and where none lies between the bounds."""
    first, past = (-(-_months_begun(edge) // months) for edge in (start, end))
    drawn = first + (u * (past - first)).astype(np.int64)
    return seconds_of_months(drawn * months), np.broadcast_to(past <= first, u.shape)


def _months_begun(at: Times) -> Times:
    """The first month, counted from 1970, that begins at a time or after it."""
    month = at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return month + (seconds_of_months(month) < at)


def _shaped(
    spec: Datetime, start: Times, end: Times, u: NDArray[np.float64]
) -> tuple[Times, NDArray[np.bool_]]:
    """Uniform over weighted time, and where no allowed time lies between the bounds."""
    first, last = int(start.min()) // _DAY, (int(end.max()) - 1) // _DAY
    days = np.arange(first, last + 1)
    open_at, close_at = (0.0, 24.0) if spec.hours is None else spec.hours
    opening, closing = open_at * 3600, close_at * 3600
    weights = day_weights(spec, days)
    total = np.concatenate(([0.0], np.cumsum(weights * (closing - opening))))

    def mass(at: Times) -> NDArray[np.float64]:
        day = at // _DAY - first
        inside = np.clip(at % _DAY - opening, 0.0, closing - opening)
        known = np.minimum(day, len(weights) - 1)
        share = np.where(day < len(weights), total[known] + weights[known] * inside, total[-1])
        return np.asarray(share, dtype=np.float64)

    low, high = mass(start), mass(end)
    wanted = low + u * (high - low)
    day = np.clip(np.searchsorted(total, wanted, side="right") - 1, 0, len(weights) - 1)
    into = (wanted - total[day]) / np.where(weights[day] > 0, weights[day], 1.0)
    drawn = (day + first) * _DAY + np.floor(opening + into).astype(np.int64)
    return drawn, np.broadcast_to(high <= low, u.shape)


def day_weights(spec: Datetime, days: Times) -> NDArray[np.float64]:
    """How likely days, counted from 1970, are beside each other."""
    weights = np.ones(len(days))
    if spec.weekdays is not None:
        weekday = (days + 3) % 7  # 1 January 1970 was a Thursday
        weights *= np.isin(weekday, spec.weekdays)
    if spec.season is not None:
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        weights *= np.asarray(spec.season)[months]
    return weights
