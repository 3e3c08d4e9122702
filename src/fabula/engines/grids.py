"""Combinations that may not repeat and are nearly all used: drawn from a grid of all of them.

Drawing again until nothing repeats finds the last free combinations too late, or never: a panel
of six airlines over fifteen years takes every one of its 90.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Engine
from fabula.engines.kinds.choice import pick, value_array
from fabula.engines.kinds.datetime import day_weights
from fabula.engines.scalars import microseconds, seconds_of_months
from fabula.engines.unique import stepped
from fabula.io.arrays import array_of
from fabula.kinds.base.parameters import as_moment, seconds
from fabula.kinds.choice import Choice
from fabula.kinds.datetime import Datetime, first_period
from fabula.kinds.uniform import Uniform
from fabula.planning.plan import ColumnPlan, TablePlan
from fabula.streams import stream

MOST_CELLS = 2**22
"""Combinations that a grid has at most; it takes 32 bytes for each."""

SPARSE = 8
"""With so many combinations a row, most are free whatever the chances are."""

FREE = 0.25
"""Redraws find a free combination soon where at least this share of all draws is free."""

_Numbers = NDArray[np.int64]


def grid_engines(plan: TablePlan, *, rows: int, seed: int) -> dict[str, Engine]:
    """Engines of columns whose combinations take up most of a grid, by column.

    Args:
        plan: The table.
        rows: Its rows, those of earlier runs included.
        seed: The seed of the run.
    """
    correlated = set(chain.from_iterable(group.columns for group in plan.spec.correlations))
    groups: list[tuple[str, ...]] = [
        (name,) for name, column in plan.columns.items() if column.spec.unique
    ]
    groups += [group for group in (plan.spec.primary_key, *plan.spec.unique) if group]
    engines: dict[str, Engine] = {}
    for group in dict.fromkeys(groups):
        if (engines.keys() | correlated | plan.references.keys()) & set(group):
            continue
        columns = [plan.columns[name] for name in group]
        cells = math.prod(column.spec.capacity() for column in columns)
        if not rows <= cells <= min(MOST_CELLS, SPARSE * rows):
            continue
        axes = [axis for column in columns if (axis := _chances(column)) is not None]
        if len(axes) < len(columns):
            continue
        places = _places(axes, rows, stream(seed, plan.name, " × ".join(group), 0))
        for column, place in zip(columns, places, strict=False):
            engines[column.name] = _picker(column, place)
    return engines


def _chances(column: ColumnPlan) -> NDArray[np.float64] | None:
    """The chance of each value of a column; None where they can't be listed."""
    spec = column.spec
    if column.sql or spec.nulls:
        return None
    if isinstance(spec, Choice):
        if None in spec.values or len(set(spec.values)) < len(spec.values):
            return None
        weights = np.asarray(spec.weights or (1.0,) * len(spec.values))
        chances: NDArray[np.float64] = weights / weights.sum()
        return chances
    stepped = isinstance(spec, Uniform) and spec.decimals is not None
    if not stepped and not _has_listed_times(spec):
        return None
    size = int(spec.capacity())
    if isinstance(spec, Datetime) and spec.is_shaped:
        start = spec.limits[0]
        assert start is not None
        days = day_weights(spec, np.arange(size) + microseconds(start) // (_DAY * _SECOND))
        return np.asarray(days / days.sum(), dtype=np.float64)
    return np.full(size, 1 / size)


def _has_listed_times(spec: object) -> bool:
    """Whether the chances of a column's days, or of its times at a step, are known."""
    if not isinstance(spec, Datetime) or spec.limits[0] is None:
        return False
    if spec.is_shaped:
        return spec.date and spec.hours is None and spec.step in (None, "1d")
    return spec.date or spec.step is not None


def _places(
    axes: Sequence[NDArray[np.float64]], rows: int, rng: np.random.Generator
) -> list[_Numbers]:
    """The value of each column in each row; empty where redraws find free combinations.

    As drawing again until a combination is free gives them: the first of exponential times whose
    rates are the chances (Efraimidis and Spirakis 2006).
    """
    chances = axes[0]
    for axis in axes[1:]:
        chances = np.multiply.outer(chances, axis).ravel()
    if np.sort(chances)[: len(chances) - rows].sum() >= FREE or np.count_nonzero(chances) < rows:
        return []
    with np.errstate(divide="ignore"):
        times = rng.exponential(size=len(chances)) / chances
    cells = np.argsort(times, kind="stable")[:rows]
    return list(np.unravel_index(cells, [len(axis) for axis in axes]))


def _picker(column: ColumnPlan, places: _Numbers) -> Engine:
    """An engine that gives each row the value at its place."""
    value = _values(column)
    return lambda block: value(places[block.unique_numbers])


def _values(column: ColumnPlan) -> Callable[[_Numbers], Array]:
    spec = column.spec
    if isinstance(spec, Choice):
        values = value_array(column)
        return lambda at: pick(values, at)
    if isinstance(spec, Uniform):
        return stepped(spec)[1]
    assert isinstance(spec, Datetime)
    start = as_moment(spec.start)
    assert start is not None
    if spec.months:
        begun = first_period(start, spec.months)
        return lambda at: _times(seconds_of_months((begun + at) * spec.months), spec)
    first, step = microseconds(start) // _SECOND, round(seconds(spec.step or "1d"))

    return lambda at: _times(first + at * step, spec)


def _times(seconds_since: _Numbers, spec: Datetime) -> Array:
    moments = array_of(seconds_since * _SECOND, pa.timestamp("us"))
    return moments.cast(pa.date32(), safe=False) if spec.date else moments


_DAY = 86_400
_SECOND = 1_000_000
"""Microseconds of a second."""
