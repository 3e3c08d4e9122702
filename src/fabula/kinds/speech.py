"""Speech: a recording for each row, of a text of the row or of a dialogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from fabula.kinds import column_kind
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.base.parameters import Probability, listed
from fabula.kinds.base.problems import Problem

Speed = Annotated[int, Field(ge=80, le=450)]
Pause = Annotated[float, Field(ge=0, le=10)]


@column_kind(
    example="{kind: speech, text: note, voice: [en-gb, en-us], telephone: true}",
    aka=("audio", "voice", "recording", "wav", "call", "dialogue"),
)
class Speech(AbstractFile):
    """A recording of a text of the row, or of a dialogue in another table, with word times.

    The column contains the path of the file in the run's folder. Alongside the files stands
    `truth-00000.jsonl`: the text, the voice, the duration, and when each word begins and ends.

    Attributes:
        text: The column that is spoken; with `turns`, a column of that table.
        turns: A table whose rows are the turns of a dialogue; a column of it refers to this table.
        speaker: The column of `turns` that says who speaks; each speaker gets a voice of `voice`.
        voice: A voice of eSpeak NG (`en-gb`, `de`, `fr`) or of the model, or several, of which each
            row draws one.
        voice_column: A column that names each voice, in place of `voice`.
        speed: Words a minute, or the lowest and the highest of a uniform draw; of eSpeak NG alone.
        pause: Seconds between turns, or the shortest and the longest.
        overlap: Share of turns that begin while the one before still speaks.
        format: `wav`, `flac` or `mp3`.
        sample_rate: Samples a second.
        telephone: Only what a telephone lets through: 300 to 3,400 Hz.
        noise: How loud noise is, from 0 to 1 (as loud as the voice).
        reverb: How much a room sounds along, from 0 to 1.
        model: A model that speaks behind an OpenAI-compatible endpoint (`openai:gpt-4o-mini-tts`)
            in place of eSpeak NG; it tells no times of words.
        retries: How often a refused or broken recording of a model is asked for again.
    """

    kind: Literal["speech"] = "speech"
    text: str = ""
    turns: str | None = None
    speaker: str | None = None
    voice: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        default=("en-us",), min_length=1
    )
    voice_column: str | None = None
    speed: Speed | Annotated[tuple[Speed, Speed], Field()] = 160
    pause: Pause | Annotated[tuple[Pause, Pause], Field()] = (0.2, 0.6)
    overlap: Probability = 0.0
    format: Literal["wav", "flac", "mp3"] = "wav"
    sample_rate: Literal[8000, 16000, 22050, 24000, 48000] = 22050
    telephone: bool = False
    noise: Probability = 0.0
    reverb: Probability = 0.0
    model: str | None = None
    retries: int = Field(default=2, ge=0, le=20)

    positional: ClassVar = ("text",)

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of its files, the one that the column names first."""
        return (self.format,)

    def problems(self) -> Iterator[Problem]:
        """No text, ranges the wrong way round, and what a dialogue or a model alone has."""
        if not self.text:
            yield Problem("spec.missing-key", "name the column that is spoken", "text")
        for name in ("speed", "pause"):
            value = getattr(self, name)
            if isinstance(value, tuple) and value[0] > value[1]:
                yield Problem("spec.empty-range", f"the lowest {name} comes first", name)
        if self.turns is None:
            for name in filter(self._is_chosen, ("speaker", "overlap", "pause")):
                message, hint = "a recording of one text has no turns", "name their table: `turns:`"
                yield Problem("spec.missing-key", message, name, hint)
        if self.model is not None and self._is_chosen("speed"):
            yield Problem("spec.bad-key", "the speed of a model can't be chosen", "speed")
        if self.model is not None and "voice" not in self.model_fields_set:
            message, hint = "a model has voices of its own", "name one: `voice: alloy`"
            yield Problem("spec.missing-key", message, "voice", hint)

    def _is_chosen(self, name: str) -> bool:
        """Whether a parameter is another than by default; a run's record has all of them."""
        return bool(getattr(self, name) != type(self).model_fields[name].default)
