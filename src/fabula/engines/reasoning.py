"""The reasoning of language models alongside the values that it led to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from fabula.engines.block import Block
from fabula.kinds.reasoning import Reasoning
from fabula.planning.plan import TablePlan

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
