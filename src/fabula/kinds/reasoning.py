"""What a language model thought before it filled other columns."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from fabula.errors import UsageError
from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn


def is_dropped(reasoning: str) -> bool:
    """Whether an option `reasoning` says `drop`, not `keep`.

    Raises:
        UsageError: It says neither.
    """
    if reasoning not in ("keep", "drop"):
        raise UsageError(
            f"`reasoning` is `keep` or `drop`, not {reasoning!r}",
            code="usage.reasoning",
            hint='give reasoning="keep"',
        )
    return reasoning == "drop"


@column_kind(example="{kind: reasoning, of: text}")
class Reasoning(AbstractColumn):
    """What a language model thought before it filled other columns of the row.

    Empty where the model gave no reasoning. Columns that were asked together share one.

    Attributes:
        of: `llm` and `text` columns of the table.
    """

    kind: Literal["reasoning"] = "reasoning"
    of: tuple[str, ...] = Field(min_length=1)

    section: ClassVar = "models"
    positional: ClassVar = ("of",)
    short_forms: ClassVar = {"of": {"type": "string"}}

    @field_validator("of", mode="before")
    @classmethod
    def _as_list(cls, of: object) -> object:
        return [of] if isinstance(of, str) else of

    def arrow_type(self) -> str:
        """Texts."""
        return "string"

    def reads(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """The columns behind which the reasoning stands."""
        del before
        return self.of
