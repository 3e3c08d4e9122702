"""Numeric columns: distributions, cut to bounds and rounded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine, from_floats
from fabula.engines.discrete import Weighted
from fabula.engines.families import AbstractFamily, Parameters, Value
from fabula.errors import CheckError
from fabula.io.arrays import array_of
from fabula.kinds.base.columns import AbstractNumber
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import limit_of
from fabula.planning.plan import ColumnPlan

Floats = NDArray[np.float64]

_REJECTION_ROUNDS = 6
_MOST_STEPS = 1_000_000
"""Counts with at most this many possible values are drawn from a table."""

_BEYOND_WHOLE = 2**63


def distribution_engine(column: ColumnPlan, family: AbstractFamily) -> Engine:
    """The engine of a distribution: its own, a table of a count, or draws cut to bounds."""
    spec = column.spec
    assert isinstance(spec, AbstractDistribution)
    own = family.engine(column)
    if own is not None:
        return own
    table = _tabulated(family, spec) if spec.counts and not column.sql else None
    if table is None:
        return _continuous(column, family, spec)
    first, weighted = table
    return lambda block: array_of(weighted.draw(block.rng(column.name), block.rows) + first)


def constants(spec: AbstractDistribution) -> dict[str, float]:
    """A distribution's own parameters, all constant."""
    return {name: float(getattr(spec, name)) for name in spec.own}


def bounds(spec: AbstractNumber) -> tuple[float, float]:
    """The constant bounds of a distribution."""
    least = -np.inf if spec.min is None else float(spec.min)
    most = np.inf if spec.max is None else float(spec.max)
    low, high = on_grid(least, most, spec.decimals)
    return float(low), float(high)


def on_grid(low: Value, high: Value, decimals: int | None) -> tuple[Value, Value]:
    """The first and last value with that many decimals between two bounds."""
    if decimals is None:
        return low, high
    scale = 10.0**decimals
    return np.ceil(low * scale - 1e-9) / scale, np.floor(high * scale + 1e-9) / scale


def truncated_quantile(
    family: AbstractFamily, u: Floats, p: Parameters, low: Value, high: Value, *, counts: bool
) -> Floats:
    """Quantiles of a distribution cut to `low` … `high` (inverse transform)."""
    first = np.ceil(low) - 1 if counts else low
    below = np.where(np.isfinite(low), family.cdf(finite(first), p), 0.0)
    above = np.where(np.isfinite(high), family.cdf(finite(high), p), 1.0)
    inside = np.clip(below + u * (above - below), 1e-16, 1 - 1e-16)
    return np.clip(family.quantile(inside, p), low, high)


def finite(limit: Value) -> Floats:
    """A bound if there is one, else 0, which stands for nothing."""
    return np.nan_to_num(limit, posinf=0.0, neginf=0.0)


def rounded(
    values: Floats, decimals: int | None, low: Value = -np.inf, high: Value = np.inf
) -> Floats:
    """Values rounded to `decimals`, halves to even, that stay within `low` … `high`."""
    return values if decimals is None else np.clip(np.round(values, decimals), low, high)


def _cut(
    family: AbstractFamily,
    rng: np.random.Generator,
    values: Floats,
    p: Parameters,
    limits: tuple[Value, Value],
    *,
    counts: bool,
) -> None:
    """Redraw, in place, values outside the limits; the rest is drawn by inversion."""
    lower, upper = (np.broadcast_to(limit, values.shape) for limit in limits)
    outside = np.flatnonzero((values < lower) | (values > upper))
    for _ in range(_REJECTION_ROUNDS):
        if not len(outside):
            return
        values[outside] = family.draw(rng, len(outside), _at(p, outside))
        again = (values[outside] < lower[outside]) | (values[outside] > upper[outside])
        outside = outside[again]
    if not len(outside):
        return
    share = rng.random(len(outside))
    for part in (slice(None),) if family.by_row else _alike(p, outside):
        rows = outside[part]
        own = _at(p, rows if family.by_row else rows[0])
        values[rows] = truncated_quantile(
            family, share[part], own, lower[rows], upper[rows], counts=counts
        )


def _alike(p: Parameters, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Positions in `rows` in groups of equal parameters."""
    columns = [value[rows] for value in p.values() if isinstance(value, np.ndarray)]
    if not columns:
        return [np.arange(len(rows))]
    _, group = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])


def _at(p: Parameters, rows: NDArray[np.int64] | np.int64) -> dict[str, Value]:
    """The parameters of some rows."""
    return {
        name: value[rows] if isinstance(value, np.ndarray) else value for name, value in p.items()
    }


def as_column(values: Floats, column: ColumnPlan, block: Block) -> Array:
    """Numbers in the column's type."""
    if pa.types.is_integer(column.type):
        demand_whole(values, column, block)
    return from_floats(values, column.type)


def demand_whole(values: Floats, column: ColumnPlan, block: Block) -> None:
    """Refuse numbers that no 64-bit integer holds, naming the row."""
    beyond = np.broadcast_to(np.abs(values) >= _BEYOND_WHOLE, block.rows)
    if beyond.any():
        row = int(np.argmax(beyond))
        raise CheckError(
            f"column `{column.name}` has no room for its decimals in row {block.start + row + 1}: "
            "the number has more than 18 digits",
            code="engine.too-large",
            where=f"tables.{block.table.name}.columns.{column.name}",
            hint="bound it by `max`, or leave out `decimals`",
        )


def _continuous(column: ColumnPlan, family: AbstractFamily, spec: AbstractDistribution) -> Engine:
    """A family with constant or per-row parameters, cut by rejection, then by inversion."""
    bounded_itself = {"min", "max"} <= set(spec.own)

    def make(block: Block) -> Array:
        p, missing = parameters(column, block)
        _demand_agreement(column, block, spec, p, missing)
        rng = block.rng(column.name)
        values = family.draw(rng, block.rows, p)
        low, high = limits_of(column, block)
        if not bounded_itself and (spec.min is not None or spec.max is not None):
            _cut(family, rng, values, p, (low, high), counts=spec.counts)
        values = rounded(values, spec.decimals, low, high)
        if missing is not None:
            values[missing] = np.nan
        return as_column(values, column, block)

    return make


def _tabulated(family: AbstractFamily, spec: AbstractDistribution) -> tuple[int, Weighted] | None:
    """A count with constant parameters: its first value and a table; None for too many values."""
    p = constants(spec)
    low, high = bounds(spec)
    top = float(family.quantile(np.array([1 - 1e-15]), p)[0])
    first = int(max(0.0, np.ceil(low)))
    last = int(min(top + 1, np.floor(high)))
    if last - first > _MOST_STEPS:
        return None
    k = np.arange(first, max(first, last) + 1, dtype=np.float64)
    weights = np.maximum(family.cdf(k, p) - family.cdf(k - 1, p), 0.0)
    return first, Weighted(weights if weights.sum() > 0 else np.ones_like(weights))


def limits_of(column: ColumnPlan, block: Block) -> tuple[Value, Value]:
    """The bounds of a block's rows; a missing one is not a bound."""
    low, high = block.parameter(column, "min"), block.parameter(column, "max")
    low = -np.inf if low is None else np.where(np.isnan(low), -np.inf, low)
    high = np.inf if high is None else np.where(np.isnan(high), np.inf, high)
    low, high = on_grid(low, high, getattr(column.spec, "decimals", None))
    empty = np.broadcast_to(low > high, block.rows)
    if empty.any():
        row = int(np.argmax(empty))
        raise CheckError(
            f"no value of column `{column.name}` fits its bounds in row {block.start + row + 1}",
            code="engine.bad-parameter",
            where=f"tables.{block.table.name}.columns.{column.name}.min",
            hint="bound one of them in its expression, such as `least(min, max)`",
        )
    return low, high


def parameters(
    column: ColumnPlan, block: Block
) -> tuple[dict[str, float | Floats], NDArray[np.bool_] | None]:
    """The parameters of a block's rows, and which rows miss one (their value is null)."""
    spec = column.spec
    names = spec.own if isinstance(spec, AbstractDistribution) else spec.expressions
    p: dict[str, float | Floats] = {}
    missing: NDArray[np.bool_] | None = None
    for name in names:
        value = block.parameter(column, name)
        assert value is not None
        if isinstance(value, np.ndarray):
            gone = np.isnan(value)
            if gone.any():
                missing = gone if missing is None else missing | gone
                value = np.where(gone, 0.5, value)
            _demand_valid(column, block, name, value)
        p[name] = value
    return p, missing


def _demand_valid(column: ColumnPlan, block: Block, name: str, value: Floats) -> None:
    """Refuse a parameter that no distribution can have, naming the row."""
    limit = limit_of(type(column.spec).model_fields[name].metadata)
    lowest = limit.least if limit.in_rows is None else limit.in_rows
    bad = (value < lowest) | (value > limit.most) | ~np.isfinite(value)
    if bad.any():
        row = int(np.argmax(bad))
        raise CheckError(
            f"`{name}` of column `{column.name}` is {value[row]:g} in row {block.start + row + 1}",
            code="engine.bad-parameter",
            where=f"tables.{block.table.name}.columns.{column.name}.{name}",
            hint=f"bound it in the expression, such as `{limit.repair.format(name=name)}`",
        )


def _demand_agreement(
    column: ColumnPlan,
    block: Block,
    spec: AbstractDistribution,
    p: Parameters,
    missing: NDArray[np.bool_] | None,
) -> None:
    """Refuse parameters that contradict each other, naming the row."""
    bad = np.broadcast_to(spec.disagree(p), block.rows)
    bad = bad if missing is None else bad & ~missing
    if bad.any():
        row = int(np.argmax(bad))
        given = {name: float(np.broadcast_to(value, block.rows)[row]) for name, value in p.items()}
        shown = ", ".join(f"{name} {value:g}" for name, value in given.items())
        raise CheckError(
            f"{spec.agreement} in column `{column.name}`, row {block.start + row + 1} ({shown})",
            code="engine.bad-parameter",
            where=f"tables.{block.table.name}.columns.{column.name}",
            hint="bound one of them in its expression, such as `least(greatest(mode, min), max)`",
        )
