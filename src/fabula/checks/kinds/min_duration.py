"""How long recordings and videos are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.checks.data import Data
from fabula.checks.files import files_result
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.results import CheckResult
from fabula.kinds.checks.min_duration import MinDurationCheck
from fabula.media.probing import facts_of
from fabula.spec.tables import DatasetSpec


def min_duration_result(
    spec: DatasetSpec, data: Data, table: str, check: MinDurationCheck
) -> CheckResult:
    """Whether every recording or video is long enough."""
    del spec

    def fault(path: Path, values: Mapping[str, Any]) -> str:
        del values
        seconds = facts_of(path).seconds
        if seconds is None:
            return "has no duration"
        return "" if seconds >= check.seconds else f"lasts {seconds:.3g} s"

    return files_result(data, table, check, fault)


EVALUATIONS.register("min_duration", Evaluation(min_duration_result))
