"""Recordings and videos that are long enough."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fabula.kinds.base.file_checks import AbstractFileCheck
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: min_duration, column: recording, seconds: 0.5}")
class MinDurationCheck(AbstractFileCheck):
    """Every recording or video is at least so long.

    Attributes:
        seconds: The least duration.
    """

    kind: Literal["min_duration"] = "min_duration"
    seconds: float = Field(gt=0)

    def in_words(self) -> str:
        return f"every file of `{self.column}` lasts {self.seconds:g} s or longer"
