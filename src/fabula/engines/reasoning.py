"""The reasoning of language models alongside the values that it led to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from fabula.engines.block import Array, Block, Engine
from fabula.planning.plan import ColumnPlan, TablePlan
from fabula.spec.words import Reasoning

KEPT = "# reasoning"
"""The name under which rows of a job bring their reasoning."""


def is_kept(plan: TablePlan, name: str) -> bool:
    """Whether a table has a column of the reasoning behind another one."""
    specs = (column.spec for column in plan.columns.values())
    return any(isinstance(spec, Reasoning) and name in spec.of for spec in specs)


def keep(block: Block, name: str, made: Mapping[int, Mapping[str, Any]]) -> None:
    """Keep the reasoning that came with a column's values, by row."""
    values = [made.get(row, {}).get(KEPT) for row in range(block.rows)]
    block.values[f"{KEPT} of {name}"] = pa.array(values, pa.string())


def reasoning_engine(column: ColumnPlan) -> Engine:
    """The engine of a `reasoning` column."""
    spec = column.spec
    assert isinstance(spec, Reasoning)

    def make(block: Block) -> Array:
        kept = [block.values.get(f"{KEPT} of {name}") for name in spec.of]
        lists = [values.to_pylist() for values in kept if values is not None]
        made = [_joined(row) for row in zip(*lists, strict=True)] if lists else [None] * block.rows
        return pa.array(made, pa.string())

    return make


def _joined(thoughts: Iterable[str | None]) -> str | None:
    """Each thought once, in order; None where there are none."""
    return "\n\n".join(dict.fromkeys(filter(None, thoughts))) or None
