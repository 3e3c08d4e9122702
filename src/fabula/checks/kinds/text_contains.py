"""Texts that files contain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.checks.data import Data
from fabula.checks.files import files_result
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.results import CheckResult
from fabula.kinds.checks.text_contains import TextContainsCheck
from fabula.media.probing import text_in
from fabula.media.typesetting import squeezed
from fabula.spec.tables import DatasetSpec


def text_contains_result(
    spec: DatasetSpec, data: Data, table: str, check: TextContainsCheck
) -> CheckResult:
    """Whether the text of every file contains what is asked for; a missing value is not."""
    del spec

    def fault(path: Path, values: Mapping[str, Any]) -> str:
        text = squeezed(text_in(path))
        wanted = [*check.text, *(values[name] for name in check.columns)]
        missing = [
            str(each) for each in wanted if each is not None and squeezed(str(each)) not in text
        ]
        return f"lacks {missing[0]!r}" if missing else ""

    return files_result(data, table, check, fault, check.columns)


EVALUATIONS.register("text_contains", Evaluation(text_contains_result))
