"""Values over time: a function of the entity and the time, plus noise that lasts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.numbers import as_column, limits_of, rounded
from fabula.engines.scalars import microseconds
from fabula.engines.special import normal_quantile
from fabula.engines.steps import Codes, Floats, Steps, Whole, memory, reach_of, steps_of, unit
from fabula.errors import CheckError
from fabula.io.arrays import numbers_of
from fabula.kinds.base.parameters import as_moment, seconds
from fabula.kinds.series import Series, Wave
from fabula.planning.plan import ColumnPlan
from fabula.streams import mix, name_key

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_YEAR = 365.25 * _DAY


@engine_of("series")
def series_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Level, trend and seasons at each row's time, and the noise of its entity and step."""
    spec = column.spec
    assert isinstance(spec, Series)
    where = f"{table.seed}\n{table.name}\n{column.name}"

    def make(block: Block) -> Array:
        times = block.formulas[column.name, "at"].cast(pa.timestamp("us")).cast(pa.int64())
        missing = numbers_of(times.is_null())
        at: Whole = numbers_of(times.fill_null(0))
        entity = _entities(spec, block)
        key = f"{where}\n{block.attempt}" if block.attempt else where
        noise, at, gone, off = _drawn(spec, key, table.seed, entity, at)
        level, trend, width = (_filled(column, block, name) for name in ("level", "trend", "noise"))
        years = (at - _origin(spec)) / _YEAR if spec.trend != 0 else np.zeros(len(at))
        own = spec.spread * normal_quantile(unit(entity, f"{key}:level")) if spec.spread else 0.0
        seasons = _seasons(spec, at)
        if spec.effects == "add":
            values = level + own + trend * years + sum(seasons) + width * noise
        else:
            values = level * np.exp(own - spec.spread**2 / 2) * (1 + trend) ** years
            for season in seasons:
                values *= 1 + season
            values *= np.exp(width * noise - width**2 / 2)
        low, high = limits_of(column, block)
        values = rounded(np.clip(values + off, low, high), spec.decimals) + 0.0  # never -0
        values[missing | gone] = np.nan
        return as_column(values, column, block)

    return make


def _drawn(
    spec: Series, key: str, seed: int, entity: Codes, at: Whole
) -> tuple[Floats, Whole, NDArray[np.bool_], Floats]:
    """The noise of rows, the times that they show, which ones are gaps, and what spikes add."""
    length = round(seconds(spec.step or "1d") * _SECOND)
    step = at // length
    lengths = [spell.length for spell in (spec.gaps, spec.stuck) if spell]
    reach = memory(spec.ar) - 1 + max(map(reach_of, lengths), default=0)
    steps = steps_of(entity, step, reach)
    if steps is None:  # worked out in two halves, to the same values
        half = len(step) // 2
        parts = [
            _drawn(spec, key, seed, entity[rows], at[rows])
            for rows in (slice(half), slice(half, None))
        ]
        noise, shown, gone, off = (np.concatenate(part) for part in zip(*parts, strict=True))
        return noise, shown, gone, off
    cells = steps.rows
    gone = np.zeros(len(at), dtype=bool)
    if spec.gaps:
        gone = steps.spells(f"{key}:gaps", spec.gaps.share, spec.gaps.length)[0][cells]
    shown = at
    if spec.stuck:
        stuck, first = steps.spells(f"{key}:stuck", spec.stuck.share, spec.stuck.length)
        cells = np.where(stuck[cells], first[cells], cells)
        shown = at - (step - steps.step[cells]) * length
    off = np.zeros(len(at))
    if spec.spikes:
        u = steps.uniform(f"{key}:spikes")[cells]
        size = (0.5 + steps.uniform(f"{key}:size")[cells]) * spec.spikes.size
        off = np.where(u < spec.spikes.share, np.where(u < spec.spikes.share / 2, -size, size), 0.0)
    if spec.noise == 0:
        return np.zeros(len(at)), shown, gone, off
    noise = np.sqrt(1 - spec.shared) * steps.lasting(key, spec.ar)[cells]
    if spec.shared:
        shock = f"{seed}\n{spec.shock}" if spec.shock else f"{key}:shared"
        noise += np.sqrt(spec.shared) * _shared(shock, spec.ar, steps, cells)
    return noise, shown, gone, off


def _shared(shock: str, ar: float, steps: Steps, cells: Whole) -> Floats:
    """The part of the noise that all entities have in common at a step."""
    moments, place = np.unique(steps.step[cells], return_inverse=True)
    alike = steps_of(np.zeros(len(moments), dtype=np.uint64), moments, memory(ar) - 1)
    assert alike is not None  # fewer cells than those of the entities
    return alike.lasting(shock, ar)[alike.rows][place]


def _seasons(spec: Series, at: Whole) -> list[Floats]:
    """What the time of the year, the week and the day add."""
    found = []
    days = at // _DAY
    if isinstance(spec.yearly, Wave):
        years = days.astype("datetime64[D]").astype("datetime64[Y]")
        into = at / _DAY - years.astype("datetime64[D]").astype(np.int64) + 1
        found.append(_wave(spec.yearly, into, 365.25))
    elif spec.yearly:
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        found.append(np.asarray(spec.yearly)[months])
    if spec.weekly:
        found.append(np.asarray(spec.weekly)[(days + 3) % 7])  # 1 January 1970 was a Thursday
    if isinstance(spec.daily, Wave):
        found.append(_wave(spec.daily, at % _DAY / (_DAY / 24), 24.0))
    elif spec.daily:
        found.append(np.asarray(spec.daily)[at % _DAY // (_DAY // 24)])
    return found


def _wave(wave: Wave, at: Floats, period: float) -> Floats:
    return wave.amplitude * np.cos(2 * np.pi * (at - wave.peak) / period)


def _entities(spec: Series, block: Block) -> Codes:
    """A hash of whose series each row is of."""
    if spec.of is None:
        return np.zeros(block.rows, dtype=np.uint64)
    names = block.values[spec.of]
    if pa.types.is_integer(names.type):
        return mix(numbers_of(names.fill_null(-1)).astype(np.uint64) + np.uint64(1))
    if not pa.types.is_dictionary(names.type):
        names = names.dictionary_encode()
    known = names.dictionary.cast(pa.string()).to_pylist()
    codes = np.array([*map(name_key, map(str, known)), 0], dtype=np.uint64)
    places: Whole = numbers_of(names.indices.fill_null(len(known)).cast(pa.int64()))
    return np.asarray(mix(codes)[places])


def _filled(column: ColumnPlan, block: Block, name: str) -> Floats | float:
    """A parameter, one number or one per row; a negative width has no meaning."""
    value = block.parameter(column, name)
    assert value is not None
    if name == "noise" and np.any(np.less(value, 0)):
        row = block.start + int(np.argmax(np.less(value, 0))) + 1
        raise CheckError(
            f"`noise` of column `{column.name}` is below 0 in row {row}",
            code="engine.bad-parameter",
            where=f"tables.{block.table.name}.columns.{column.name}.noise",
            hint="bound it in the expression, such as `greatest(noise, 0)`",
        )
    return value


def _origin(spec: Series) -> int:
    moment = None if spec.since is None else as_moment(spec.since)
    assert moment is not None  # planning demands it if there is a trend
    return microseconds(moment)
