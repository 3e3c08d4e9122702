"""Simulated columns: the rows of a model of agents, which ran while the spec was settled."""

from __future__ import annotations

import pyarrow as pa

from fabula.engines.block import Array, Block, Engine
from fabula.kinds.simulation import Simulation
from fabula.planning.plan import TablePlan


def simulated_engines(plan: TablePlan) -> dict[str, Engine]:
    """Engines of all columns of a table that a model makes."""
    simulation = plan.spec.simulation
    if simulation is None:
        return {}
    return {
        name: _engine(simulation.made.column(column.spec.column or name), column.type)
        for name, column in plan.columns.items()
        if isinstance(column.spec, Simulation)
    }


def _engine(values: pa.ChunkedArray, kind: pa.DataType) -> Engine:
    def make(block: Block) -> Array:
        rows = values.slice(block.start, block.rows).combine_chunks()
        return rows if rows.type == kind else rows.cast(kind)

    return make
