"""Goes through a plan's model calls without making them: what `--dry-run` prints.

Makes the tables that models fill, with stand-ins for the models (`llm.rehearsal`), and throws
them away: nothing is checked, repaired or written.
"""

from __future__ import annotations

from dataclasses import replace

from fabula.engines.generation import Generation
from fabula.planning.plan import Plan, TablePlan
from fabula.runs.execute import OpenModel


def rehearse(plan: Plan, open_model: OpenModel) -> None:
    """Have the models of a plan asked everything that they would be asked."""
    filled = {call.table for call in plan.calls}
    unrepaired = replace(plan, tables=tuple(map(_without_repair, plan.tables)))
    generation = Generation(unrepaired, open_model=open_model)
    try:
        for name, maker in generation.makers.items():
            if name in filled:
                for block in range(maker.blocks):
                    maker.make(block)
    finally:
        generation.close()


def _without_repair(table: TablePlan) -> TablePlan:
    """The table with its rules told to models, but no row made again for breaking one."""
    checks = tuple(check.model_copy(update={"repair": "fail"}) for check in table.spec.checks)
    return replace(table, spec=table.spec.model_copy(update={"checks": checks}))
