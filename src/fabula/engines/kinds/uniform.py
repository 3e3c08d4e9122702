"""Uniform numbers; those with decimals are drawn from the grid of their decimals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.families import AbstractFamily, Floats, Parameters, Value
from fabula.engines.kinds import family_of
from fabula.engines.numbers import demand_whole, finite, limits_of, parameters
from fabula.io.arrays import array_of
from fabula.kinds.uniform import Uniform
from fabula.planning.plan import ColumnPlan


@family_of("uniform")
class UniformFamily(AbstractFamily):
    """`min`, `max`."""

    def engine(self, column: ColumnPlan) -> Engine | None:
        """Numbers with decimals are drawn from their grid."""
        decimals = getattr(column.spec, "decimals", None)
        return None if decimals is None else _grid(column, decimals)

    def draw(self, rng: np.random.Generator, n: int, p: Parameters) -> Floats:
        return self.quantile(rng.random(n), p)

    def quantile(self, u: Floats, p: Parameters) -> Floats:
        return u * (p["max"] - p["min"]) + p["min"]

    def cdf(self, x: Floats, p: Parameters) -> Floats:
        return np.clip((x - p["min"]) / np.maximum(p["max"] - p["min"], 1e-300), 0.0, 1.0)


def _grid(column: ColumnPlan, decimals: int) -> Engine:
    """A uniform number on the grid of its decimals: each grid point is equally likely."""
    scale = 10.0**decimals
    assert isinstance(column.spec, Uniform)
    ends = column.spec.grid_ends()

    def make(block: Block) -> Array:
        _, missing = parameters(column, block)
        limits = limits_of(column, block)
        first, last = ends or [_steps(limit, scale, column, block) for limit in limits]
        steps = block.rng(column.name).integers(first, last, block.rows, endpoint=True)
        return array_of(steps / scale if decimals else steps, missing=missing)

    return make


def _steps(limit: Value, scale: float, column: ColumnPlan, block: Block) -> NDArray[np.int64]:
    """A bound as a number of steps; if it is missing, so will be the value."""
    steps = np.rint(finite(limit) * scale)
    demand_whole(steps, column, block)
    return steps.astype(np.int64)
