"""Zipf ranks."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.discrete import ZipfRanks
from fabula.engines.kinds import TableFacts, engine_of
from fabula.io.arrays import array_of
from fabula.kinds.zipf import Zipf
from fabula.planning.plan import ColumnPlan


@engine_of("zipf")
def zipf_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Ranks by their probability."""
    del table
    spec = column.spec
    assert isinstance(spec, Zipf)
    ranks = ZipfRanks(spec.max, spec.exponent)
    return lambda block: array_of(ranks.draw(block.rng(column.name), block.rows) + 1)
