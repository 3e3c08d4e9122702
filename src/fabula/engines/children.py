"""How many children each parent has: the distribution of `per_parent`, block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Block, as_floats
from fabula.engines.catalogue import column_engine
from fabula.engines.kinds import TableFacts
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.uniform import Uniform
from fabula.planning.plan import ColumnPlan, TablePlan
from fabula.spec.tables import PerParent
from fabula.streams import BLOCK_ROWS

Counts = NDArray[np.float64]


def children_engine(
    table: TablePlan, per_parent: PerParent, seed: int
) -> Callable[[int, int], Counts]:
    """Draws the children of a block of parents, given the block's number and rows."""
    fixed = per_parent.fixed
    if fixed is not None:
        return lambda _, rows: np.full(rows, float(fixed))
    column = ColumnPlan("per_parent", _bounded(per_parent), pa.float64())
    engine = column_engine(column, TableFacts(table.name, table.rows, seed))
    return lambda block, rows: as_floats(
        engine(Block(table, seed, block, block * BLOCK_ROWS, rows))
    )


def _bounded(per_parent: PerParent) -> AbstractDistribution:
    """The distribution with the bounds of `per_parent` as its own if it has none."""
    drawn, low, high = per_parent.distribution, per_parent.min, per_parent.max
    if drawn is None:
        return Uniform(min=low, max=low if high is None else high, decimals=0)
    if {"min", "max"} & set(drawn.own):
        return drawn
    limits = {"min": low if drawn.min is None else drawn.min}
    if high is not None and drawn.max is None:
        limits["max"] = high
    return drawn.model_copy(update=limits)
