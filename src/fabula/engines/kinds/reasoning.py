"""What language models thought before they filled other columns."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.reasoning import KEPT
from fabula.kinds.reasoning import Reasoning
from fabula.planning.plan import ColumnPlan


@engine_of("reasoning")
def reasoning_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """The engine of a `reasoning` column."""
    del table
    spec = column.spec
    assert isinstance(spec, Reasoning)

    def make(block: Block) -> Array:
        kept = [block.values.get(f"{KEPT} of {name}") for name in spec.of]
        lists = [values.to_pylist() for values in kept if values is not None]
        made = [_joined(row) for row in zip(*lists, strict=True)] if lists else [None] * block.rows
        return pa.array(made, pa.string())

    return make


def _joined(thoughts: Iterable[str | None]) -> str | None:
    """Each thought once, in order; None if there are none."""
    return "\n\n".join(dict.fromkeys(filter(None, thoughts))) or None
