"""The sets for training that a spec's `outputs` ask for, written when its tables are made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.planning.outputs import files_of, table_of
from fabula.planning.plan import Plan
from fabula.runs.dataset import Dataset


def write_outputs(plan: Plan, made: Dataset, folder: Path) -> list[Mapping[str, Any]]:
    """Write the sets and return their records for the manifest."""
    records: list[Mapping[str, Any]] = []
    for output in plan.spec.outputs:
        table = table_of(output, plan.spec)
        if not output.is_export or table is None:
            continue
        from fabula.training.export import write_export
        from fabula.training.table_rows import Given

        paths = {split: folder / file for split, file in files_of(output, table).items()}
        written = write_export(Given(made.to_arrow(table)), output, paths, seed=plan.seed)
        records.append({"format": output.format, "table": table, **written.to_dict()})
    return records
