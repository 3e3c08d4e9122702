"""The sizes of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.checks.data import Data
from fabula.checks.files import files_result
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.results import CheckResult
from fabula.kinds.base.file_checks import in_bounds
from fabula.kinds.checks.size import SizeCheck
from fabula.media.probing import facts_of
from fabula.spec.tables import DatasetSpec


def size_result(spec: DatasetSpec, data: Data, table: str, check: SizeCheck) -> CheckResult:
    """Whether every file has the sizes that are asked for."""
    del spec

    def fault(path: Path, values: Mapping[str, Any]) -> str:
        del values
        facts = facts_of(path)
        for name, amount in check.asked.items():
            found = getattr(facts, name)
            if found is None:
                return f"has no {name}"
            if not in_bounds(found, amount):
                return f"has {name} {found:,}"
        return ""

    return files_result(data, table, check, fault)


EVALUATIONS.register("size", Evaluation(size_result))
