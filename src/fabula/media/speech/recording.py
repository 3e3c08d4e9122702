"""Recordings of one column: one voice or a dialogue, worn, written, with the truth about them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fabula.kinds.speech import Speech
from fabula.media.asking import Open
from fabula.media.making import AbstractMaker, DocumentRow
from fabula.media.speech.sound import encoded, joined, worn
from fabula.media.speech.voices import (
    AbstractVoices,
    EspeakVoices,
    Line,
    ModelVoices,
    Said,
    check_rate,
)
from fabula.spec.models import ModelSpec
from fabula.streams import stream

_MOST_TURNS = 1_000
"""Turns of one dialogue that have numbers of their own."""


class SpeechMaker(AbstractMaker):
    """Makes the recordings of one column.

    Raises:
        PrerequisiteError: The extra `speech` is missing.
        UsageError: There is no such model.
    """

    def __init__(
        self,
        folder: Path,
        table: str,
        column: str,
        spec: Speech,
        seed: int,
        *,
        model: str | ModelSpec = "",
        open_model: Open = lambda chat: chat,
    ) -> None:
        super().__init__(folder, table, column)
        self._spec, self._seed = spec, seed
        self._voices: AbstractVoices
        if spec.model is None:
            self._voices = EspeakVoices(f"{table}.{column}")
        else:
            self._voices = ModelVoices(spec, model, open_model)

    def close(self) -> None:
        """Let go of the voices."""
        self._voices.close()

    def _prepare(self, rows: Sequence[DocumentRow]) -> None:
        self._voices.prepare([line for row in rows for line in self._lines(row)[0]])

    def _made(self, row: DocumentRow, other: Any) -> dict[str, Any]:
        del other
        spec, (lines, rng) = self._spec, self._lines(row)
        said = [self._voices.said(line) for line in lines]
        told: dict[str, Any] = {"table": self._table, "row": row.number}
        if spec.model is not None:
            told |= {"model": spec.model, "tries": sum(each.tries for each in said)}
            if calls := [key for each in said for key in each.calls]:
                told["calls"] = calls
        if problem := next((each.problem for each in said if each.problem), ""):
            return told | {"missing": problem, "files": []}
        rate = next((each.rate for each in said if len(each.samples)), spec.sample_rate)
        for each in said:
            check_rate(each.rate if len(each.samples) else rate, rate)
        starts = _starts([len(each.samples) / rate for each in said], spec, rng)
        whole = joined([each.samples for each in said], starts, rate)
        content = encoded(worn(whole, spec, rng, rate), spec.sample_rate, spec.format)
        sizes = {"sample_rate": spec.sample_rate, "seconds": round(len(whole) / rate, 4)}
        if spec.turns is None:
            told |= {"text": lines[0].text, **_spoken(lines[0], spec), **sizes}
            told["words"] = _words(lines[0], said[0], 0.0)
        else:
            told |= sizes
            told["turns"] = [
                {
                    "speaker": line.speaker,
                    "text": line.text,
                    **_spoken(line, spec),
                    "start": round(start, 4),
                    "end": round(start + len(each.samples) / rate, 4),
                    "words": _words(line, each, start),
                }
                for line, each, start in zip(lines, said, starts, strict=True)
            ]
        if silent := sum(not line.text.strip() for line in lines):
            told["silent"] = silent
        written = self._written(self._path(row.number, spec.format), content)
        return told | {"files": [written | sizes]}

    def _lines(self, row: DocumentRow) -> tuple[list[Line], np.random.Generator]:
        """What is said, and the stream of what follows; speakers get voices in their order."""
        spec, rng = self._spec, stream(self._seed, self._table, self._column, row.number)
        own = rng.integers(len(spec.voice))
        low, high = spec.speed if isinstance(spec.speed, tuple) else (spec.speed, spec.speed)
        turns = [row.fields] if spec.turns is None else row.lines
        voices: dict[str, tuple[str, int]] = {}
        lines = []
        for at, turn in enumerate(turns):
            speaker = str(turn.get("speaker") or "")
            if speaker not in voices:
                voice = spec.voice[(int(own) + len(voices)) % len(spec.voice)]
                voices[speaker] = voice, int(rng.integers(low, high + 1))
            voice, speed = voices[speaker]
            if spec.voice_column is not None:
                voice = str(turn.get("voice") or voice)
            text, number = str(turn.get("text") or ""), row.number * _MOST_TURNS + at
            lines.append(Line(speaker, voice, speed, text, number))
        return lines, rng


def _starts(seconds: Sequence[float], spec: Speech, rng: np.random.Generator) -> list[float]:
    """When each turn begins: after a pause, or while the one before still speaks."""
    starts, end = [], 0.0
    for at, length in enumerate(seconds):
        start = 0.0
        if at:
            low, high = spec.pause if isinstance(spec.pause, tuple) else (spec.pause, spec.pause)
            overlaps, size = rng.random(), rng.random()
            start = end + low + (high - low) * size
            if overlaps < spec.overlap:
                start = end - size * 0.5 * min(seconds[at - 1], length)
        starts.append(start)
        end = start + length
    return starts


def _spoken(line: Line, spec: Speech) -> dict[str, Any]:
    """The voice, and the speed where there is one."""
    return {"voice": line.voice, **({"speed": line.speed} if spec.model is None else {})}


def _words(line: Line, said: Said, start: float) -> list[dict[str, Any]]:
    """The words of a line with their times; none where the voice does not tell them."""
    if not said.heard:
        return []
    words = words_of(line.text, said.heard, len(said.samples) / said.rate, said.rate)
    if start:
        for word in words:
            word["start"], word["end"] = (round(start + word[k], 4) for k in ("start", "end"))
    return words


def words_of(
    text: str, heard: Sequence[Sequence[int]], seconds: float, rate: int
) -> list[dict[str, Any]]:
    """The words of a text, each with its first and last second; one ends where the next begins.

    eSpeak NG speaks some words in one go (`has not`), and some in parts (`42`). The former stand
    together, the latter once, so that all words of the text are there in its order.
    """
    first: dict[int, float] = {}
    tokens = [(found.start(), found.end()) for found in re.finditer(r"\S+", text)]
    ends = [end for _, end in tokens]
    for place, _, sample in heard:
        token = min(bisect_right(ends, place), len(tokens) - 1)
        first.setdefault(token, sample / rate)
    begun = sorted(first)
    told = []
    for at, token in enumerate(begun):
        start = tokens[token if at else 0][0]
        last = (begun[at + 1] if at + 1 < len(begun) else len(tokens)) - 1
        end = first[begun[at + 1]] if at + 1 < len(begun) else seconds
        told.append(
            {
                "word": text[start : tokens[last][1]],
                "start": round(first[token], 4),
                "end": round(end, 4),
            }
        )
    return told
