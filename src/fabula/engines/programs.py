"""Columns that a function computes which a language model wrote once for the whole column."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pyarrow as pa

from fabula.codegen.columns import write_function
from fabula.engines.block import Array, Block, with_share_missing
from fabula.engines.models import Models
from fabula.engines.prepared import prepared
from fabula.errors import OutputError
from fabula.functions.sandboxed import FunctionFault, fill
from fabula.kinds.program import Program
from fabula.planning.estimate import model_name
from fabula.planning.plan import TablePlan

FirstValues = Callable[[Sequence[str]], Mapping[str, Array]]
"""Gives columns of the table's first block."""


def program_engines(
    plan: TablePlan, models: Models, first: FirstValues, lock: threading.RLock
) -> dict[str, ProgramEngine]:
    """The engine of each column of kind `program`.

    Args:
        plan: The table's plan.
        models: Writes the functions.
        first: Gives the rows that functions are tried on, the same ones in whichever order blocks
            are made, so that the same question is asked.
        lock: What threads share while a function comes about.
    """
    return {
        name: ProgramEngine(plan, name, models, first, lock)
        for name, column in plan.columns.items()
        if isinstance(column.spec, Program)
    }


class ProgramEngine:
    """Fills a column of a block with what its function gives."""

    def __init__(
        self,
        plan: TablePlan,
        name: str,
        models: Models,
        first: FirstValues,
        lock: threading.RLock,
    ) -> None:
        self._column, self._models, self._first, self.lock = plan.columns[name], models, first, lock
        self._plan = plan
        self._where = f"tables.{plan.name}.columns.{name}"

    def __call__(self, block: Block) -> None:
        """Run the function for the rows of a block."""
        column, needs = self._column, self._column.needs
        try:
            values = fill(
                self.source,
                _rows({need: block.values[need] for need in needs}),
                column.type,
                n=block.rows,
                start=block.start,
                seed=int(block.rng(column.name).integers(2**63)),
            )
        except FunctionFault as fault:
            raise OutputError(
                f"the function of the column fails in block {block.index}, on rows unlike those it "
                f"was tried on:\n\n{fault}",
                code="program.failed",
                where=self._where,
                hint="say in `prompt` what holds for such rows",
            ) from fault
        block.values[column.name] = with_share_missing(
            block, column.name, column.spec.nulls, values
        )

    @prepared
    def source(self) -> str:
        """The function, asked for when the first block needs it."""
        spec = self._column.spec
        assert isinstance(spec, Program)
        model = model_name(self._models.spec, self._plan, spec)
        sample = _rows(self._first(self._column.needs))
        ask = partial(self._models.complete, model)
        written = write_function(self._column, sample, ask, where=self._where)
        self._models.keep(model, f"{self._plan.name}.{self._column.name}", written.source)
        return written.source


def _rows(values: Mapping[str, Array]) -> pa.Table:
    """Columns as a table; categories become plain strings, which add up in pandas."""
    return pa.table({name: _plain(array) for name, array in values.items()})


def _plain(values: Array) -> Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
