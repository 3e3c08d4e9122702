"""Speech: a recording for each row, of a text of the row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import Probability
from fabula.kinds.base.problems import Problem

Speed = Annotated[int, Field(ge=80, le=450)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


@column_kind(
    example="{kind: speech, text: note, voice: [en-gb, en-us], telephone: true}",
    aka=("audio", "voice", "recording", "wav", "call"),
)
class Speech(AbstractColumn):
    """A recording of a text of the row, by eSpeak NG, with the time of each word.

    The column contains the path of a WAV file in the run's folder. Alongside the files stands
    `truth-00000.jsonl`: the text, the voice, the duration, and when each word begins and ends.

    Attributes:
        text: The column that is spoken.
        voice: A voice of eSpeak NG (`en-gb`, `de`, `fr`), or several, of which each row draws one.
        voice_column: A column that names each row's voice, in place of `voice`.
        speed: Words a minute, or the lowest and the highest of a uniform draw.
        sample_rate: Samples a second.
        telephone: Only what a telephone lets through: 300 to 3,400 Hz.
        noise: How loud noise is, from 0 to 1 (as loud as the voice).
        reverb: How much a room sounds along, from 0 to 1.
    """

    kind: Literal["speech"] = "speech"
    text: str = ""
    voice: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=("en-us",), min_length=1
    )
    voice_column: str | None = None
    speed: Speed | Annotated[tuple[Speed, Speed], Field()] = 160
    sample_rate: Literal[8000, 16000, 22050] = 22050
    telephone: bool = False
    noise: Probability = 0.0
    reverb: Probability = 0.0

    section: ClassVar = "media"
    positional: ClassVar = ("text",)

    def arrow_type(self) -> str:
        """Paths."""
        return "string"

    @property
    def never_repeats(self) -> bool:
        """Each row has its own file."""
        return True

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of its files, the one that the column names first."""
        return ("wav",)

    def problems(self) -> Iterator[Problem]:
        """No text, and speeds the wrong way round."""
        if not self.text:
            yield Problem("spec.missing-key", "name the column that is spoken", "text")
        if isinstance(self.speed, tuple) and self.speed[0] > self.speed[1]:
            yield Problem("spec.empty-range", "the lowest speed comes first", "speed")
