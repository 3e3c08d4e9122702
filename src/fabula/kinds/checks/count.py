"""Numbers of rows that refer to a row."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.wording import interval
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: count, of: orders, min: 1, max: 9}")
class CountCheck(AbstractCheck):
    """Each row of this table has between `min` and `max` children in table `of`."""

    kind: Literal["count"] = "count"
    of: str
    min: int = Field(default=0, ge=0)
    max: int | None = Field(default=None, ge=0)

    statistical: ClassVar = True
    counts_children: ClassVar = True

    def in_words(self) -> str:
        return f"each has {interval(self.min, self.max)} rows in `{self.of}`"

    @property
    def other(self) -> str:
        """The children."""
        return self.of
