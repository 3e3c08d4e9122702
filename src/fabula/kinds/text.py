"""Free texts that a language model writes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractFilled


@column_kind(
    example='{kind: text, prompt: "One sentence that sells a {{ colour }} {{ category }}."}',
    aka=("prompt",),
)
class Text(AbstractFilled):
    """Free text that a language model writes for each row from a Jinja prompt."""

    kind: Literal["text"] = "text"
    prompt: str
    min_words: int | None = Field(default=None, ge=1)
    max_words: int | None = Field(default=None, ge=1)
    language: str | None = None
    examples: tuple[str, ...] = ()

    positional: ClassVar = ("prompt",)

    @model_validator(mode="after")
    def _words_in_order(self) -> Text:
        if self.min_words and self.max_words and self.min_words > self.max_words:
            raise ValueError("`min_words` is above `max_words`")
        return self

    def arrow_type(self) -> str:
        """Texts."""
        return "string"
