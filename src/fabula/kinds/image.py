"""Images: a picture for each row, by a model that makes pictures of texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from fabula.kinds import column_kind
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.base.problems import Problem

Side = Annotated[int, Field(ge=16, le=8192)]


def sides(value: Any) -> Any:
    """`1024x1024` as two numbers."""
    return value.lower().split("x") if isinstance(value, str) else value


@column_kind(
    example='{kind: image, prompt: "A street in {{ city }}.", model: "openai:gpt-image-1"}',
    aka=("picture", "photo", "illustration", "png"),
)
class Image(AbstractFile):
    """A picture of a prompt about the row, by a model behind an OpenAI-compatible endpoint.

    The column contains the path of the picture in the run's folder. Alongside the files stands
    `truth-00000.jsonl`: the prompt, the model, and how often it was asked.

    Attributes:
        prompt: A Jinja template over columns of the row.
        model: A model that makes pictures: `openai:MODEL`, `gemini:MODEL`, or one of `models:`.
        size: Width and height, as `1024x1024`; pictures of another size are asked again. Without
            it, any size is taken.
        format: `png` or `jpg`; a picture in another form is written again in this one.
        quality: What the endpoint calls its quality, such as `low`.
        retries: How often a refused or broken picture is asked again.
    """

    kind: Literal["image"] = "image"
    prompt: str
    model: str
    size: Annotated[tuple[Side, Side] | None, BeforeValidator(sides)] = None
    format: Literal["png", "jpg"] = "png"
    quality: str | None = None
    retries: int = Field(default=2, ge=0, le=20)

    templates: ClassVar = ("prompt",)
    positional: ClassVar = ("prompt",)
    short_forms: ClassVar = {"size": {"type": "string", "pattern": r"^\d+x\d+$"}}

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of its files, the one that the column names first."""
        return (self.format,)

    def problems(self) -> Iterator[Problem]:
        """No prompt."""
        if not self.prompt.strip():
            yield Problem("spec.missing-key", "say what the picture shows", "prompt")
