"""Files that open."""

from __future__ import annotations

from typing import Literal

from fabula.kinds.base.file_checks import AbstractFileCheck
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: readable, column: invoice}")
class ReadableCheck(AbstractFileCheck):
    """Every file opens as what its ending says, from its first page, row or sample to its last."""

    kind: Literal["readable"] = "readable"

    def in_words(self) -> str:
        return f"every file of `{self.column}` opens"
