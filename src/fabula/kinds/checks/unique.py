"""Values and combinations that may not repeat."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.wording import names
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: unique, columns: [user_id, day]}")
class UniqueCheck(AbstractCheck):
    """No combination of values of `columns` occurs twice."""

    kind: Literal["unique"] = "unique"
    columns: tuple[str, ...] = Field(min_length=1)

    drops: ClassVar = True

    def in_words(self) -> str:
        return f"{names(self.columns)} unique"
