"""Rules that a Python function of the user's tells."""

from __future__ import annotations

from typing import Any

import numpy as np

from fabula.checks.data import EXAMPLES, Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.results import CheckResult
from fabula.checks.rows import rows_verdict
from fabula.functions.calling import broken_rows
from fabula.kinds.checks.function import FunctionCheck
from fabula.spec.tables import DatasetSpec
from fabula.streams import BLOCK_ROWS


def function_result(spec: DatasetSpec, data: Data, table: str, check: FunctionCheck) -> CheckResult:
    """How a function does on all rows of a table, block by block."""
    where = f"tables.{table}.checks.{spec.tables[table].checks.index(check)}"
    rows = failing = 0
    examples: list[dict[str, Any]] = []
    for batch in data.batches(table, check.inputs):
        for first in range(0, batch.num_rows, BLOCK_ROWS):
            block = batch.slice(first, BLOCK_ROWS)
            columns = dict(zip(check.inputs, block.columns, strict=True))
            size = block.num_rows
            broken = broken_rows(check, columns, rows=size, start=rows, where=where)
            shown = np.flatnonzero(broken)[: EXAMPLES - len(examples)]
            values = block.take(shown).to_pylist()
            examples += [
                {"row": rows + int(row), **value} for row, value in zip(shown, values, strict=True)
            ]
            failing += int(broken.sum())
            rows += size
    return rows_verdict(table, check, rows=rows, failing=failing, examples=tuple(examples))


EVALUATIONS.register("function", Evaluation(function_result))
