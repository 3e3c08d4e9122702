"""Fields of records that a language model fills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import StrictStr

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractFilled, Bound
from fabula.kinds.base.parameters import Scalar
from fabula.kinds.base.problems import Problem, matching_problems
from fabula.kinds.base.values import type_of_wanted

LlmType = (
    Literal["str", "int", "float", "bool", "date", "list[str]", "list[int]", "list[float]"]
    | tuple[StrictStr | int | float | bool, ...]
    | dict[str, Any]
)


@column_kind(
    example="{kind: llm, description: a product name of a few words, max: 40}", aka=("ai",)
)
class Llm(AbstractFilled):
    """A value that a language model fills in, together with the table's other `llm` columns.

    Attributes:
        type: `str`, `int`, `float`, `bool`, `date`, a list of allowed values, or a JSON Schema.
        min: Lowest number, or fewest characters of a string.
        max: Highest number, or most characters of a string.
        pattern: Regular expression that a string must match.
        examples: Sample values, as guidance.
        prompt: A prompt of its own takes the column out of the joint record.
    """

    kind: Literal["llm"] = "llm"
    type: LlmType = "str"
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    examples: tuple[Scalar, ...] = ()
    prompt: str | None = None
    model: str | None = None

    templates: ClassVar = ("prompt",)
    positional: ClassVar = ("description",)

    def arrow_type(self) -> str:
        """The wanted type."""
        return type_of_wanted(self.type)

    @property
    def allowed(self) -> tuple[Scalar, ...] | None:
        """The values that `type` lists."""
        return self.type if isinstance(self.type, tuple) else None

    @property
    def limits(self) -> tuple[Bound, Bound]:
        """`min` and `max` of a number; for a string they count characters."""
        return (self.min, self.max) if self.type in ("int", "float") else (None, None)

    @property
    def matches(self) -> str | None:
        """`pattern`."""
        return self.pattern

    def problems(self) -> Iterator[Problem]:
        """A pattern that values can't be matched against."""
        if self.pattern is not None:
            yield from matching_problems(self.pattern)
