"""Numeric columns: distributions, cut to bounds and rounded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine, as_floats, from_floats
from fabula.engines.discrete import Weighted, ZipfRanks
from fabula.engines.distributions import FAMILIES, AbstractFamily, Parameters, Value
from fabula.errors import CheckError
from fabula.io.arrays import array_of
from fabula.planning.kinds import MOST_COUNT, grid_ends
from fabula.planning.plan import ColumnPlan
from fabula.spec.columns import AbstractNumber
from fabula.spec.numbers import Bernoulli, Binomial, Mixture, Poisson, Uniform, Zipf

Floats = NDArray[np.float64]

_REJECTION_ROUNDS = 6
_MOST_STEPS = 1_000_000
"""Counts with at most this many possible values are drawn from a table."""

_BEYOND_WHOLE = 2**63

_LOWEST = {
    "std": 0.0,
    "sigma": 0.0,
    "scale": 0.0,
    "shape": 1e-9,
    "a": 1e-9,
    "b": 1e-9,
    "p": 0.0,
    "median": 1e-300,
}


def number_engine(column: ColumnPlan) -> Engine:
    """The engine of one numeric column."""
    spec = column.spec
    if isinstance(spec, Mixture):
        return _mixture(column, spec)
    if isinstance(spec, Zipf):
        return _zipf(column, spec)
    if isinstance(spec, Bernoulli):
        return _bernoulli(column)
    assert isinstance(spec, AbstractNumber)
    if not column.sql and isinstance(spec, Poisson | Binomial):
        return _tabulated(column, spec)
    if isinstance(spec, Uniform) and spec.decimals is not None:
        return _grid(column, spec.decimals)
    return _continuous(column, spec)


def constants(spec: AbstractNumber) -> dict[str, float]:
    """A distribution's own parameters, all constant."""
    own = [name for name in spec.expressions if name not in ("min", "max")]
    if spec.kind in ("uniform", "pareto"):
        own += ["min"] + (["max"] if spec.kind == "uniform" else [])
    return {name: float(getattr(spec, name)) for name in own}


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
    family: AbstractFamily, u: Floats, p: Parameters, low: Value, high: Value
) -> Floats:
    """Quantiles of a distribution cut to `low` … `high` (inverse transform)."""
    first = np.ceil(low) - 1 if family.whole else low
    below = np.where(np.isfinite(low), family.cdf(_finite(first), p), 0.0)
    above = np.where(np.isfinite(high), family.cdf(_finite(high), p), 1.0)
    inside = np.clip(below + u * (above - below), 1e-16, 1 - 1e-16)
    return np.clip(family.quantile(inside, p), low, high)


def _finite(limit: Value) -> Floats:
    """A bound where there is one, else 0, which stands for nothing."""
    return np.nan_to_num(limit, posinf=0.0, neginf=0.0)


def rounded(
    values: Floats, decimals: int | None, low: Value = -np.inf, high: Value = np.inf
) -> Floats:
    """Values rounded to `decimals`, halves to even, that stay within `low` … `high`."""
    return values if decimals is None else np.clip(np.round(values, decimals), low, high)


def _continuous(column: ColumnPlan, spec: AbstractNumber) -> Engine:
    """A family with constant or per-row parameters, cut by rejection, then by inversion."""
    family = FAMILIES[spec.kind]

    def make(block: Block) -> Array:
        p, missing = _parameters(column, block)
        rng = block.rng(column.name)
        values = family.draw(rng, block.rows, p)
        low, high = _limits(column, block)
        if spec.kind != "uniform" and (spec.min is not None or spec.max is not None):
            _cut(family, rng, values, p, (low, high))
        values = rounded(values, spec.decimals, low, high)
        if missing is not None:
            values[missing] = np.nan
        return _numbers(values, column, block)

    return make


def _cut(
    family: AbstractFamily,
    rng: np.random.Generator,
    values: Floats,
    p: Parameters,
    limits: tuple[Value, Value],
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
        values[rows] = truncated_quantile(family, share[part], own, lower[rows], upper[rows])


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


def _limits(column: ColumnPlan, block: Block) -> tuple[Value, Value]:
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


def _parameters(
    column: ColumnPlan, block: Block
) -> tuple[dict[str, float | Floats], NDArray[np.bool_] | None]:
    """The parameters of a block's rows, and which rows miss one (their value is null)."""
    spec = column.spec
    names = [
        name for name in spec.expressions if name not in ("min", "max") or spec.kind == "uniform"
    ]
    if spec.kind == "pareto":
        names.append("min")
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
    lowest = _LOWEST.get(name, -np.inf)
    if name == "trials" or (name == "mean" and column.spec.kind in ("poisson", "exponential")):
        lowest = 0.0
    if (name, column.spec.kind) == ("min", "pareto"):
        lowest = 1e-300
    bad = (value < lowest) | ~np.isfinite(value)
    if name == "p":
        bad |= value > 1
    if lowest == 0 and column.spec.kind in ("poisson", "binomial"):
        bad |= value > MOST_COUNT
    if bad.any():
        row = int(np.argmax(bad))
        bounded = "least(greatest(p, 0), 1)" if name == "p" else f"greatest({name}, 0.01)"
        raise CheckError(
            f"`{name}` of column `{column.name}` is {value[row]:g} in row {block.start + row + 1}",
            code="engine.bad-parameter",
            where=f"tables.{block.table.name}.columns.{column.name}.{name}",
            hint=f"bound it in the expression, such as `{bounded}`",
        )


def _tabulated(column: ColumnPlan, spec: AbstractNumber) -> Engine:
    """A count with constant parameters, its bounds included in the table."""
    family, p = FAMILIES[spec.kind], constants(spec)
    low, high = bounds(spec)
    top = float(family.quantile(np.array([1 - 1e-15]), p)[0])
    first = int(max(0.0, np.ceil(low)))
    last = int(min(top + 1, np.floor(high)))
    if last - first > _MOST_STEPS:
        return _continuous(column, spec)
    k = np.arange(first, max(first, last) + 1, dtype=np.float64)
    weights = np.maximum(family.cdf(k, p) - family.cdf(k - 1, p), 0.0)
    table = Weighted(weights if weights.sum() > 0 else np.ones_like(weights))

    def make(block: Block) -> Array:
        return array_of(table.draw(block.rng(column.name), block.rows) + first)

    return make


def _grid(column: ColumnPlan, decimals: int) -> Engine:
    """A uniform number on the grid of its decimals: each grid point is equally likely."""
    scale = 10.0**decimals
    assert isinstance(column.spec, Uniform)
    ends = grid_ends(column.spec)

    def make(block: Block) -> Array:
        _, missing = _parameters(column, block)
        limits = _limits(column, block)
        first, last = ends or [_steps(limit, scale, column, block) for limit in limits]
        steps = block.rng(column.name).integers(first, last, block.rows, endpoint=True)
        return array_of(steps / scale if decimals else steps, missing=missing)

    return make


def _steps(limit: Value, scale: float, column: ColumnPlan, block: Block) -> NDArray[np.int64]:
    """A bound as a number of steps; where it is missing, so will be the value."""
    steps = np.rint(_finite(limit) * scale)
    _demand_whole(steps, column, block)
    return steps.astype(np.int64)


def _zipf(column: ColumnPlan, spec: Zipf) -> Engine:
    ranks = ZipfRanks(spec.max, spec.exponent)

    def make(block: Block) -> Array:
        return array_of(ranks.draw(block.rng(column.name), block.rows) + 1)

    return make


def _bernoulli(column: ColumnPlan) -> Engine:
    def make(block: Block) -> Array:
        p, missing = _parameters(column, block)
        hits = block.rng(column.name).random(block.rows) < p["p"]
        return array_of(hits, missing=missing)

    return make


def _mixture(column: ColumnPlan, spec: Mixture) -> Engine:
    """Choose a component for each row; each component draws a full block of its own stream."""
    chooser = Weighted([part.weight for part in spec.of])
    low, high = bounds(spec)
    engines = [
        number_engine(ColumnPlan(f"{column.name}:{i}", _cut_to(part.column, spec), pa.float64()))
        for i, part in enumerate(spec.of)
    ]

    def make(block: Block) -> Array:
        chosen = chooser.draw(block.rng(f"{column.name}:component"), block.rows)
        values = np.empty(block.rows)
        for i, engine in enumerate(engines):
            np.copyto(values, as_floats(engine(block)), where=chosen == i)
        return _numbers(rounded(np.clip(values, low, high), spec.decimals), column, block)

    return make


def _numbers(values: Floats, column: ColumnPlan, block: Block) -> Array:
    """Numbers in the column's type."""
    if pa.types.is_integer(column.type):
        _demand_whole(values, column, block)
    return from_floats(values, column.type)


def _demand_whole(values: Floats, column: ColumnPlan, block: Block) -> None:
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


def _cut_to(part: AbstractNumber, mixture: Mixture) -> AbstractNumber:
    """A component with the mixture's bounds where it has none of its own."""
    missing = {
        name: getattr(mixture, name)
        for name in ("min", "max")
        if getattr(part, name) is None and getattr(mixture, name) is not None
    }
    return part.model_copy(update=missing)
