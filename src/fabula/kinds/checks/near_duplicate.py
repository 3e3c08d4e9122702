"""Texts that may not resemble each other."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: near_duplicate, column: question, similarity: 0.85}")
class NearDuplicateCheck(AbstractCheck):
    """No text is nearly the same as an earlier one.

    Attributes:
        column: A column of texts.
        similarity: From where on two texts count as the same, up to 1.
        method: `minhash` compares letters, `embedding` meanings, `exact` finds equal texts only.
    """

    kind: Literal["near_duplicate"] = "near_duplicate"
    column: str
    similarity: float = Field(default=0.85, gt=0, le=1)
    method: Literal["exact", "minhash", "embedding"] = "minhash"

    drops: ClassVar = True
    wants: ClassVar = "texts"

    def in_words(self) -> str:
        return f"`{self.column}` never nearly the same ({self.similarity:g})"
