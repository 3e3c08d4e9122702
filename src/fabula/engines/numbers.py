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
from fabula.planning.plan import ColumnPlan
from fabula.spec.columns import AbstractNumber
from fabula.spec.numbers import Bernoulli, Binomial, Mixture, Poisson, Uniform, Zipf

Floats = NDArray[np.float64]

_REJECTION_ROUNDS = 6
_MOST_STEPS = 1_000_000
"""Counts with at most this many possible values are drawn from a table."""

_LOWEST = {"std": 0.0, "sigma": 0.0, "scale": 0.0, "shape": 1e-9, "a": 1e-9, "b": 1e-9, "p": 0.0}


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
    if not column.sql and isinstance(spec, Uniform) and spec.decimals is not None:
        return _grid(column, spec, spec.decimals)
    return _continuous(column, spec)


def constants(spec: AbstractNumber) -> dict[str, float]:
    """A distribution's own parameters, all constant."""
    own = [name for name in spec.expressions if name not in ("min", "max")]
    if spec.kind in ("uniform", "pareto"):
        own += ["min"] + (["max"] if spec.kind == "uniform" else [])
    return {name: float(getattr(spec, name)) for name in own}


def bounds(spec: AbstractNumber) -> tuple[float, float]:
    """The constant bounds of a distribution."""
    low = -np.inf if spec.min is None else float(spec.min)
    high = np.inf if spec.max is None else float(spec.max)
    return low, high


def truncated_quantile(
    family: AbstractFamily, u: Floats, p: Parameters, low: Value, high: Value
) -> Floats:
    """Quantiles of a distribution cut to `low` … `high` (inverse transform)."""
    below = np.where(np.isfinite(low), family.cdf(np.nan_to_num(low), p), 0.0)
    above = np.where(np.isfinite(high), family.cdf(np.nan_to_num(high), p), 1.0)
    inside = np.clip(below + u * (above - below), 1e-16, 1 - 1e-16)
    return np.clip(family.quantile(inside, p), low, high)


def rounded(
    values: Floats, decimals: int | None, low: Value = -np.inf, high: Value = np.inf
) -> Floats:
    """Values rounded to `decimals`, halves to even, that stay within `low` … `high`."""
    if decimals is None:
        return values
    scale = 10.0**decimals
    lowest, highest = np.ceil(low * scale - 1e-9) / scale, np.floor(high * scale + 1e-9) / scale
    return np.clip(np.round(values, decimals), lowest, highest)


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
        return from_floats(values, column.type)

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
    left = {name: value for name, value in p.items() if isinstance(value, np.ndarray)}
    if family.tabulated and left:
        for i, row in enumerate(outside):
            own = {**p, **{name: float(value[row]) for name, value in left.items()}}
            edges = lower[row], upper[row]
            values[row] = truncated_quantile(family, share[i : i + 1], own, *edges)[0]
    else:
        own = _at(p, outside)
        values[outside] = truncated_quantile(family, share, own, lower[outside], upper[outside])


def _at(p: Parameters, rows: NDArray[np.int64]) -> dict[str, Value]:
    """The parameters of some rows."""
    return {
        name: value[rows] if isinstance(value, np.ndarray) else value for name, value in p.items()
    }


def _limits(column: ColumnPlan, block: Block) -> tuple[Value, Value]:
    """The bounds of a block's rows; a missing one is no bound."""
    low, high = block.parameter(column, "min"), block.parameter(column, "max")
    low = -np.inf if low is None else np.where(np.isnan(low), -np.inf, low)
    high = np.inf if high is None else np.where(np.isnan(high), np.inf, high)
    empty = np.broadcast_to(low > high, block.rows)
    if empty.any():
        row = int(np.argmax(empty))
        raise CheckError(
            f"`min` of column `{column.name}` is above its `max` in row {block.start + row + 1}",
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
    bad = (value < lowest) | ~np.isfinite(value)
    if name == "p":
        bad |= value > 1
    if bad.any():
        row = int(np.argmax(bad))
        raise CheckError(
            f"`{name}` of column `{column.name}` is {value[row]:g} in row {block.start + row + 1}",
            code="engine.bad-parameter",
            where=f"tables.{block.table.name}.columns.{column.name}.{name}",
            hint=f"bound it in the expression, such as `greatest({name}, 0.01)`",
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


def _grid(column: ColumnPlan, spec: Uniform, decimals: int) -> Engine:
    """A uniform number on the grid of its decimals: each grid point is equally likely."""
    scale = 10.0**decimals
    low, high = bounds(spec)
    first, last = int(np.ceil(low * scale - 1e-9)), int(np.floor(high * scale + 1e-9))

    def make(block: Block) -> Array:
        steps = block.rng(column.name).integers(first, max(first, last), block.rows, endpoint=True)
        return array_of(steps / scale if decimals else steps)

    return make


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
        return from_floats(rounded(np.clip(values, low, high), spec.decimals), column.type)

    return make


def _cut_to(part: AbstractNumber, mixture: Mixture) -> AbstractNumber:
    """A component with the mixture's bounds where it has none of its own."""
    missing = {
        name: getattr(mixture, name)
        for name in ("min", "max")
        if getattr(part, name) is None and getattr(mixture, name) is not None
    }
    return part.model_copy(update=missing)
