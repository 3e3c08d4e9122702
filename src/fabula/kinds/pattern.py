"""Texts that match a regular expression."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.problems import Problem


@column_kind(example="{kind: pattern, regex: '[A-Z]{3}-[0-9]{4}'}", aka=("str", "string", "regex"))
class Pattern(AbstractColumn):
    """A string that matches a regular expression."""

    kind: Literal["pattern"] = "pattern"
    regex: str

    section: ClassVar = "texts"
    positional: ClassVar = ("regex",)

    def arrow_type(self) -> str:
        """Texts."""
        return "string"

    @property
    def matches(self) -> str:
        """`regex`."""
        return self.regex

    def capacity(self) -> float:
        """The strings that match, if they can be counted."""
        from fabula.fakers.regex import (  # lazily: only for unique ones
            PatternError,
            compile_pattern,
        )

        try:
            size = compile_pattern(self.regex).size
        except PatternError:  # told by `problems`
            return math.inf
        return math.inf if size is None else size

    def problems(self) -> Iterator[Problem]:
        """A regular expression that no string can be drawn from."""
        from fabula.fakers.regex import PatternError, compile_pattern

        try:
            compile_pattern(self.regex)
        except PatternError as error:
            yield Problem("spec.bad-regex", f"no pattern to draw from: {error}", "regex")
