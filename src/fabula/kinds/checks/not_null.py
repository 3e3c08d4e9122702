"""Values that may not be missing."""

from __future__ import annotations

from typing import Literal

from fabula.kinds.base.checks import AbstractRowRule
from fabula.kinds.base.sql import quoted
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: not_null, column: email}")
class NotNullCheck(AbstractRowRule):
    """The column has no missing value."""

    kind: Literal["not_null"] = "not_null"
    column: str

    def in_words(self) -> str:
        return f"`{self.column}` never missing"

    def condition(self) -> str:
        """A value is there."""
        return f"{quoted(self.column)} IS NOT NULL"
