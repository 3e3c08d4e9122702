"""Who speaks: eSpeak NG in a process of its own, or a model behind an endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from fabula.errors import PrerequisiteError, SourceError
from fabula.kinds.speech import Speech
from fabula.llm.providers.media import media_model
from fabula.media.asking import Asker, Found, Open
from fabula.media.speech.sound import Samples, decoded
from fabula.spec.models import ModelSpec

NATIVE = 22_050
"""Samples a second of eSpeak NG."""
_SPEAKER = Path(__file__).with_name("speaker.py")


def check_speech(spec: Speech) -> None:
    """Make sure that speech can be made.

    Raises:
        PrerequisiteError: The extra `speech` is missing.
    """
    needed = ["soundfile"] if spec.format != "wav" else []
    needed += ["espeakng_loader"] if spec.model is None else []
    if any(find_spec(name) is None for name in needed):
        raise PrerequisiteError.for_extra("speech", needed_by="`kind: speech`")


@dataclass(frozen=True)
class Line:
    """What one voice says in one go.

    Attributes:
        speaker: Who says it; empty where one voice says all.
        voice: The voice.
        speed: Words a minute.
        text: What is said.
        number: Tells it apart from equal lines of other rows.
    """

    speaker: str
    voice: str
    speed: int
    text: str
    number: int


@dataclass(frozen=True)
class Said:
    """A spoken line.

    Attributes:
        samples: From -1 to 1; none where nobody could speak it.
        rate: Samples a second.
        heard: Where each word begins in the text, its length, and its first sample.
        tries: How often it was asked for; 0 where no model is asked.
        problem: Why there are no samples.
        calls: The keys of those requests in the ledger.
    """

    samples: Samples
    rate: int
    heard: Sequence[Sequence[int]] = ()
    tries: int = 0
    problem: str = ""
    calls: tuple[str, ...] = ()


class AbstractVoices(ABC):
    """Speaks lines."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what it needed."""

    def prepare(self, lines: Sequence[Line]) -> None:
        """Get at once what some lines need."""
        del lines

    @abstractmethod
    def said(self, line: Line) -> Said:
        """Speak a line."""


class EspeakVoices(AbstractVoices):
    """eSpeak NG; one process speaks for all threads. `where` is the column, for errors."""

    def __init__(self, where: str) -> None:
        self._where, self._lock = where, threading.Lock()
        command = [sys.executable, "-I", str(_SPEAKER)]
        self._speaker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        """End the process."""
        assert self._speaker.stdin is not None
        assert self._speaker.stdout is not None
        self._speaker.stdin.close()
        self._speaker.stdout.close()
        self._speaker.wait()

    def said(self, line: Line) -> Said:
        """Speak a line, with the place of each word.

        Raises:
            SourceError: The process ended, or there is no such voice.
        """
        request = json.dumps({"text": line.text, "voice": line.voice, "speed": line.speed})
        with self._lock:
            assert self._speaker.stdin is not None
            assert self._speaker.stdout is not None
            try:
                self._speaker.stdin.write(request.encode() + b"\n")
                self._speaker.stdin.flush()
                told = json.loads(self._speaker.stdout.readline())
                content = self._speaker.stdout.read(told.get("bytes", 0))
            except (OSError, ValueError) as exc:
                raise SourceError(
                    f"eSpeak NG ended while it spoke `{self._where}`",
                    code="source.speech",
                    hint="run the same command to continue",
                ) from exc
        if "error" in told:
            raise SourceError(
                f"`{self._where}`: {told['error']}",
                code="source.voice",
                hint="name a voice of eSpeak NG, such as en-us, en-gb, de or fr",
            )
        check_rate(told["rate"], NATIVE)
        return Said(np.frombuffer(content, "<i2") / 32768, NATIVE, told["words"])


class ModelVoices(AbstractVoices):
    """A model behind an OpenAI-compatible endpoint; lines are asked for at the same time."""

    def __init__(self, spec: Speech, model: str | ModelSpec, open_model: Open) -> None:
        self._spec, self._model, self._open = spec, model, open_model
        self._askers: dict[str, Asker] = {}
        self._found: dict[Line, Found] = {}

    def close(self) -> None:
        """Release the connections."""
        for asker in self._askers.values():
            asker.close()

    def prepare(self, lines: Sequence[Line]) -> None:
        """Ask for lines, voice by voice; only the digests of their sound are kept in memory."""
        spoken = [line for line in lines if line.text.strip()]
        for voice in dict.fromkeys(line.voice for line in spoken):
            wanted = {line: (line.text, line.number) for line in spoken if line.voice == voice}
            self._found |= self._asker(voice).all_found(wanted)

    def said(self, line: Line) -> Said:
        """The sound of a line that was asked for."""
        if not line.text.strip():
            return Said(np.zeros(0), NATIVE)
        found = self._found.pop(line)
        if not found.digest:
            return Said(np.zeros(0), NATIVE, (), found.tries, found.problem, found.calls)
        samples, rate = decoded(self._asker(line.voice).content(found))
        return Said(samples, rate, tries=found.tries, calls=found.calls)

    def _asker(self, voice: str) -> Asker:
        if voice not in self._askers:
            fields: dict[str, Any] = {"voice": voice, "response_format": "wav"}
            model = media_model("speech", self._model, fields)
            self._askers[voice] = Asker(model, self._open, decoded, self._spec.retries)
        return self._askers[voice]


def check_rate(found: int, wanted: int) -> None:
    """Refuse samples of another rate: played at this one, they would be too slow or too fast.

    Raises:
        SourceError: The rates differ.
    """
    if found != wanted:
        raise SourceError(
            f"the speech has {found:,} samples a second, where {wanted:,} were expected",
            code="source.sample-rate",
            hint="install the version of `espeakng-loader` that Fabula's extra `speech` "
            "names, or name another model",
        )
