"""Values that exist in another table."""

from __future__ import annotations

from typing import ClassVar, Literal

from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: foreign_key, column: user_id, to: users}")
class ForeignKeyCheck(AbstractCheck):
    """Every value of the column exists in `to` (`table` or `table.column`); null passes."""

    kind: Literal["foreign_key"] = "foreign_key"
    column: str
    to: str

    drops: ClassVar = True

    def in_words(self) -> str:
        return f"`{self.column}` exists in `{self.to}`"

    @property
    def other(self) -> str:
        """The parent."""
        return self.to
