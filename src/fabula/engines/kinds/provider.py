"""Values of Mimesis or Faker providers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.errors import SpecError
from fabula.fakers.pools import provider_pool
from fabula.kinds.provider import Provider
from fabula.planning.plan import ColumnPlan


@engine_of("provider")
def provider_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """Values of a provider, drawn from a pool that is made once."""
    spec = column.spec
    assert isinstance(spec, Provider)
    try:
        pool = provider_pool(spec.name, spec.locale, spec.size, table.seed)
    except SpecError as error:
        where = f"tables.{table.name}.columns.{column.name}"
        raise SpecError([replace(item, where=where) for item in error.violations]) from error

    def make(block: Block) -> Array:
        chosen = block.rng(column.name).integers(0, len(pool), block.rows, dtype=np.int32)
        return pool.take(chosen)

    return make
