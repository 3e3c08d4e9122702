"""Videos: a document of the row, worn from frame to frame, or a clip by a model that makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from fabula.kinds import column_kind
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.base.parameters import Probability, listed
from fabula.kinds.base.problems import Problem
from fabula.kinds.document import Effect
from fabula.kinds.image import Side, sides

SECONDS = 2.0
_OF_FILMS, _OF_CLIPS = ("fps", "severity", "effects"), ("model", "size", "retries")


@column_kind(
    example="{kind: video, of: letter, seconds: 2, severity: [0, 0.8]}",
    aka=("mp4", "film", "clip"),
)
class Video(AbstractFile):
    """A film of the first page of a document of the row, or a clip of a prompt about the row.

    The column contains the path of an MP4 file in the run's folder. With `of`, a JSONL file of the
    same name has a line a frame: its second, its severity, and the box of every field in it. With
    `prompt`, a server that speaks OpenAI's videos API is asked for a clip.

    Attributes:
        of: A column of `kind: document` of the same table, with PNG among its formats.
        prompt: In place of `of`, a Jinja template over columns of the row.
        model: With `prompt`, one of `models:` whose server makes videos.
        size: With `prompt`, width and height, as `1280x720`; clips of another size are asked again.
        retries: With `prompt`, how often a refused or broken clip is asked again.
        seconds: How long the film is; 2 by default. Clips take any length by default, and are
            asked again if they are more than half a second off.
        fps: Frames a second; 10 by default. Only with `of`.
        severity: How worn the page is in the first frame and in the last, from 0 to 1; 0 and 0.8
            by default. Only with `of`.
        effects: What happens to the page, as for `scan`. Only with `of`.
    """

    kind: Literal["video"] = "video"
    of: str | None = None
    prompt: str | None = None
    model: str | None = None
    size: Annotated[tuple[Side, Side] | None, BeforeValidator(sides)] = None
    retries: int = Field(default=2, ge=0, le=20)
    seconds: float | None = Field(default=None, gt=0, le=600)
    fps: int = Field(default=10, ge=1, le=60)
    severity: tuple[Probability, Probability] = (0.0, 0.8)
    effects: Annotated[tuple[Effect, ...], BeforeValidator(listed)] = (
        "paper",
        "perspective",
        "rotation",
        "light",
        "blur",
        "noise",
    )

    templates: ClassVar = ("prompt",)
    positional: ClassVar = ("of",)
    short_forms: ClassVar = {"size": {"type": "string", "pattern": r"^\d+x\d+$"}}

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of its files, the one that the column names first."""
        return ("mp4",)

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return max(1, round((self.seconds or SECONDS) * self.fps))

    def problems(self) -> Iterator[Problem]:
        """Neither document nor prompt, parameters of the other, a page that changes its size."""
        if (self.of is None) == (not (self.prompt or "").strip()):
            hint = "`of: DOCUMENT_COLUMN` films a document; `prompt:` and `model:` ask for a clip"
            yield Problem("spec.missing-key", "say either `of` or `prompt`", "of", hint)
            return
        if self.prompt is not None and self.model is None:
            hint = "name an entry of `models:` whose server makes videos"
            yield Problem("spec.missing-key", "say which model makes the clip", "model", hint)
        for name in _OF_CLIPS if self.of is not None else _OF_FILMS:
            if name in self.model_fields_set:
                message = f"`{name}` does not go with `{'of' if self.of else 'prompt'}`"
                yield Problem("spec.bad-value", message, name, f"leave `{name}` out")
        if "crop" in self.effects:
            hint = "leave `crop` out"
            yield Problem("spec.bad-value", "frames have one size", "effects", hint)
