"""Values of a function that a language model writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import field_validator

from fabula.fakers.regex_syntax import parts_of
from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import Scalar
from fabula.kinds.base.problems import Problem, matching_problems
from fabula.kinds.base.values import type_of_wanted


@column_kind(
    example=(
        '{kind: program, prompt: "three capitals of the category, a dash, four digits",'
        " examples: [TOO-0042]}"
    )
)
class Program(AbstractColumn):
    """A value that a function computes, which a language model writes once for the column.

    The function is tried on rows and examples, repaired where it fails, then run in the sandbox
    for all rows; the model is asked once, however many rows there are.

    Attributes:
        prompt: What the values are.
        type: `str`, `int`, `float`, `bool` or `date`.
        of: The columns that the function sees; by default those before it.
        examples: Sample values; codes among them (`TOO-0042`) set the form of all values.
        pattern: Regular expression that all values must match.
        model: Another model than the table's.
    """

    kind: Literal["program"] = "program"
    prompt: str
    type: Literal["str", "int", "float", "bool", "date"] = "str"
    of: tuple[str, ...] | None = None
    examples: tuple[Scalar, ...] = ()
    pattern: str | None = None
    model: str | None = None

    section: ClassVar = "models"
    positional: ClassVar = ("prompt",)
    elsewhere: ClassVar = True

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            parts_of(pattern or "")
        except re.error as error:
            raise ValueError(f"`{pattern}` is not a regular expression: {error}") from error
        return pattern

    def arrow_type(self) -> str:
        """The wanted type."""
        return type_of_wanted(self.type)

    @property
    def matches(self) -> str | None:
        """`pattern`."""
        return self.pattern

    def problems(self) -> Iterator[Problem]:
        """A pattern that values can't be matched against."""
        if self.pattern is not None:
            yield from matching_problems(self.pattern)

    def reads(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that the function sees; by default all before it."""
        return self.of or before
