"""A small plan with makers of its own, so that runs are tested without any engine.

As a program it runs the plan: `python standin.py FOLDER ROWS WORKERS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.engines.made import CheckTally, MadeBlock, RejectedRow
from fabula.kinds.reference import Reference
from fabula.planning.plan import ColumnPlan, Plan, ReferencePlan, TablePlan
from fabula.runs import parts
from fabula.runs.execute import execute
from fabula.runs.options import RunOptions
from fabula.spec.outputs import OutputSpec
from fabula.spec.tables import DatasetSpec
from fabula.streams import BLOCK_ROWS, stream

PART_ROWS = 2 * BLOCK_ROWS
"""Rows of a part in these tests; `small_parts` makes it so."""
STATUS = pa.array(["new", "paid", "sent"])
TYPES = {
    "customers": {"id": pa.int64(), "name": pa.string()},
    "orders": {
        "id": pa.int64(),
        "customer_id": pa.int64(),
        "total": pa.float64(),
        "status": pa.dictionary(pa.int32(), pa.string()),
    },
}


def small_parts() -> None:
    """Cut tables into small parts, so that few rows make many."""
    parts.PART_BLOCKS = PART_ROWS // BLOCK_ROWS


def make_plan(
    rows: int = 1000,
    *,
    seed: int = 7,
    checks: Mapping[str, list[dict[str, Any]]] | None = None,
    outputs: tuple[OutputSpec, ...] = (),
    models: Mapping[str, Any] | None = None,
) -> Plan:
    """`rows` orders of a tenth as many customers."""
    sizes = {"customers": max(rows // 10, 1), "orders": rows}
    kinds = {
        "id": {"kind": "key"},
        "name": {"kind": "pattern", "regex": "[a-z]{8}"},
        "customer_id": {"kind": "reference", "to": "customers"},
        "total": {"kind": "lognormal", "median": 60, "sigma": 0.5},
        "status": {"kind": "choice", "values": STATUS.to_pylist()},
    }
    spec = DatasetSpec.model_validate(
        {
            "name": "shop",
            "seed": seed,
            "models": dict(models or {}),
            "outputs": outputs,
            "tables": {
                table: {
                    "n": sizes[table],
                    "columns": {name: kinds[name] for name in TYPES[table]},
                    "checks": (checks or {}).get(table, []),
                }
                for table in TYPES
            },
        }
    )
    tables = tuple(
        TablePlan(
            spec=table,
            rows=sizes[name],
            exact=True,
            steps=(tuple(table.columns),),
            columns={
                column: ColumnPlan(column, table.columns[column], TYPES[name][column])
                for column in table.columns
            },
            references={
                column: ReferencePlan(column, kind, kind.parent, "id")
                for column, kind in table.columns.items()
                if isinstance(kind, Reference)
            },
        )
        for name, table in spec.tables.items()
    )
    return Plan(spec=spec, seed=seed, tables=tables)


class StandInMaker:
    """Draws the two tables with numpy; `change` may alter a block before it is given out."""

    asks = False

    def __init__(
        self, plan: TablePlan, seed: int, change: Callable[[str, int, int, pa.Table], MadeBlock]
    ) -> None:
        self.rows, self.schema = plan.rows, plan.schema
        self.blocks = -(-plan.rows // BLOCK_ROWS)
        self._table, self._seed, self._change = plan.name, seed, change
        self._parents = max(plan.rows // 10, 1)

    def settle(self, attempt: int) -> None:
        """No table builds on another one."""

    def make(self, block: int, *, attempt: int = 0) -> MadeBlock:
        """Make one block."""
        first = block * BLOCK_ROWS
        size = min(BLOCK_ROWS, self.rows - first)

        def rng(column: str) -> np.random.Generator:
            return stream(self._seed, self._table, column, block, attempt=attempt)

        columns: dict[str, Any] = {"id": pa.array(np.arange(first, first + size) + 1)}
        if self._table == "customers":
            columns["name"] = pa.array(rng("name").integers(10**8, 10**9, size)).cast(pa.string())
        else:
            columns["customer_id"] = rng("customer_id").integers(1, self._parents + 1, size)
            columns["total"] = np.round(rng("total").lognormal(4, 0.5, size), 2)
            codes = rng("status").integers(0, len(STATUS), size).astype(np.int32)
            columns["status"] = pa.DictionaryArray.from_arrays(pa.array(codes), STATUS)
        table = pa.table(columns, schema=self.schema)
        return self._change(self._table, block, attempt, table)


class StandIn:
    """A generation over stand-in makers; it calls no model and masks nothing."""

    masking = None

    def __init__(
        self,
        plan: Plan,
        change: Callable[[str, int, int, pa.Table], MadeBlock] | None = None,
    ) -> None:
        self.made: list[tuple[str, int, int]] = []
        self.masking = None
        self._change = change or (lambda *_: None)
        self.makers = {
            table.name: StandInMaker(table, plan.seed, self._seen) for table in plan.tables
        }

    def __call__(self, _tracker: object) -> StandIn:
        return self

    def usage(self) -> dict[str, Any]:
        """No model was called."""
        return {}

    def close(self) -> None:
        """Nothing is held."""

    def _seen(self, table: str, block: int, attempt: int, rows: pa.Table) -> MadeBlock:
        self.made.append((table, block, attempt))
        return self._change(table, block, attempt, rows) or MadeBlock(rows)


def run(
    plan: Plan, generation: StandIn, *, output: Path | None = None, file_format="parquet", **options
):
    """Run a plan by stand-in makers."""
    how = RunOptions(format=file_format, **options)
    return execute(plan, how, output=output, generation=generation)


def losing(*rows: int, reason: str = "reply was not JSON") -> Callable[..., MadeBlock | None]:
    """A change that loses rows of `orders` by their number in the table."""

    def change(table: str, block: int, _attempt: int, made: pa.Table) -> MadeBlock | None:
        here = [row for row in rows if row // BLOCK_ROWS == block]
        if table != "orders" or not here:
            return None
        first = block * BLOCK_ROWS
        mask = np.ones(made.num_rows, dtype=bool)
        mask[[row - first for row in here]] = False
        rejected = tuple(RejectedRow(row, reason, raw="{", attempt=3) for row in here)
        return MadeBlock(made.filter(pa.array(mask)), rejected)

    return change


def tallying(check: int, broken: int) -> Callable[..., MadeBlock | None]:
    """A change that reports `broken` rows of one row-level check of `orders`."""

    def change(table: str, _block: int, _attempt: int, made: pa.Table) -> MadeBlock | None:
        if table != "orders":
            return None
        return MadeBlock(made, tallies=(CheckTally(check, made.num_rows, broken, 0),))

    return change


def main() -> None:
    """Run the plan as a program of its own that tells each block it makes."""
    folder, rows, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

    def tell(table: str, block: int, *_: object) -> None:
        print(table, block, flush=True)  # noqa: T201

    small_parts()
    plan = make_plan(rows)
    run(plan, StandIn(plan, tell), output=folder, workers=workers)


if __name__ == "__main__":
    main()
