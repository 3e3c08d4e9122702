"""Videos: a document of the row, worn more and more from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from fabula.kinds import column_kind
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.base.parameters import Probability, listed
from fabula.kinds.base.problems import Problem
from fabula.kinds.document import Effect


@column_kind(
    example="{kind: video, of: letter, seconds: 2, severity: [0, 0.8]}",
    aka=("mp4", "film", "clip"),
)
class Video(AbstractFile):
    """A film of the first page of a document of the row, with the boxes of each frame.

    The column contains the path of an MP4 file in the run's folder. A JSONL file of the same name
    has a line a frame: its second, its severity, and the box of every field in it.

    Attributes:
        of: A column of `kind: document` of the same table, with PNG among its formats.
        seconds: How long the film is.
        fps: Frames a second.
        severity: How worn the page is in the first frame and in the last, from 0 to 1.
        effects: What happens to the page, as for `scan`.
    """

    kind: Literal["video"] = "video"
    of: str
    seconds: float = Field(default=2.0, gt=0, le=600)
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

    positional: ClassVar = ("of",)

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of its files, the one that the column names first."""
        return ("mp4",)

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return max(1, round(self.seconds * self.fps))

    def problems(self) -> Iterator[Problem]:
        """Effects that change the size of the page."""
        if "crop" in self.effects:
            hint = "leave `crop` out"
            yield Problem("spec.bad-value", "frames have one size", "effects", hint)
