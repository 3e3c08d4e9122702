"""Numbers from a least one."""

from __future__ import annotations

from typing import ClassVar, Literal

from fabula.kinds.base.checks import AbstractRowRule
from fabula.kinds.base.sql import quoted
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: minimum, column: score, at_least: 3}")
class MinimumCheck(AbstractRowRule):
    """Every value is at least so much; unknown (null) counts as met.

    Attributes:
        column: A column of numbers, such as a judge's score; it may be dropped.
        at_least: The least value.
    """

    kind: Literal["minimum"] = "minimum"
    column: str
    at_least: float

    wants: ClassVar = "numbers"

    def in_words(self) -> str:
        return f"`{self.column}` at least {self.at_least:g}"

    def condition(self) -> str:
        """The least value."""
        return f"CAST({quoted(self.column)} AS DOUBLE) >= {self.at_least}"
