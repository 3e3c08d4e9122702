"""Texts that match a regular expression."""

from __future__ import annotations

from typing import Literal

from fabula.kinds.base.checks import AbstractRowRule
from fabula.kinds.base.sql import literal, quoted
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: pattern, column: sku, regex: '[A-Z]{3}-[0-9]{4}'}")
class PatternCheck(AbstractRowRule):
    """Every value matches the regular expression as a whole."""

    kind: Literal["pattern"] = "pattern"
    column: str
    regex: str

    def in_words(self) -> str:
        return f"`{self.column}` matches `{self.regex}`"

    def condition(self) -> str:
        """A match of the whole value."""
        return f"regexp_full_match({quoted(self.column)}::VARCHAR, {literal(self.regex)})"
