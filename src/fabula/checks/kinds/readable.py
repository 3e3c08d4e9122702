"""Whether files open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.checks.data import Data
from fabula.checks.files import files_result
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.results import CheckResult
from fabula.kinds.checks.readable import ReadableCheck
from fabula.media.probing import facts_of
from fabula.spec.tables import DatasetSpec


def readable_result(spec: DatasetSpec, data: Data, table: str, check: ReadableCheck) -> CheckResult:
    """Whether every file opens from its beginning to its end."""
    del spec

    def fault(path: Path, values: Mapping[str, Any]) -> str:
        del values
        facts_of(path)
        return ""

    return files_result(data, table, check, fault)


EVALUATIONS.register("readable", Evaluation(readable_result))
