"""Numbers from one of several distributions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fabula.engines.block import Array, Block, Engine, as_floats
from fabula.engines.catalogue import column_engine
from fabula.engines.discrete import Weighted
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.numbers import as_column, bounds, rounded
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.mixture import Mixture
from fabula.planning.plan import ColumnPlan


@engine_of("mixture")
def mixture_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Choose a component for each row; each component draws a full block of its own stream."""
    spec = column.spec
    assert isinstance(spec, Mixture)
    chooser = Weighted([part.weight for part in spec.of])
    low, high = bounds(spec)
    parts = [
        ColumnPlan(f"{column.name}:{i}", cut_to(part.column, spec), pa.float64())
        for i, part in enumerate(spec.of)
    ]
    engines = [column_engine(part, table) for part in parts]

    def make(block: Block) -> Array:
        chosen = chooser.draw(block.rng(f"{column.name}:component"), block.rows)
        values = np.empty(block.rows)
        for i, engine in enumerate(engines):
            np.copyto(values, as_floats(engine(block)), where=chosen == i)
        return as_column(rounded(np.clip(values, low, high), spec.decimals), column, block)

    return make


def cut_to(part: AbstractDistribution, mixture: Mixture) -> AbstractDistribution:
    """A component with the mixture's bounds if it has none of its own."""
    missing = {
        name: getattr(mixture, name)
        for name in ("min", "max")
        if getattr(part, name) is None and getattr(mixture, name) is not None
    }
    return part.model_copy(update=missing)
