"""Yes or no by chance."""

from __future__ import annotations

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.numbers import parameters
from fabula.io.arrays import array_of
from fabula.planning.plan import ColumnPlan


@engine_of("bernoulli")
def bernoulli_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """True by chance; missing where the chance is."""
    del table

    def make(block: Block) -> Array:
        p, missing = parameters(column, block)
        hits = block.rng(column.name).random(block.rows) < p["p"]
        return array_of(hits, missing=missing)

    return make
