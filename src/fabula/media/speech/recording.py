"""Recordings of one column: spoken by a process, worn, written, with the truth about them."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import threading
import wave
from bisect import bisect_right
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError, SourceError
from fabula.kinds.speech import Speech
from fabula.media.making import AbstractMaker, DocumentRow
from fabula.streams import stream

NATIVE = 22_050
"""Samples a second of eSpeak NG."""
_SPEAKER = Path(__file__).with_name("speaker.py")
Samples = NDArray[np.float64]


def check_speech() -> None:
    """Make sure that speech can be made.

    Raises:
        PrerequisiteError: The extra `speech` is missing.
    """
    if find_spec("espeakng_loader") is None:
        raise PrerequisiteError.for_extra("speech", needed_by="`kind: speech`")


class SpeechMaker(AbstractMaker):
    """Makes the recordings of one column; one process of eSpeak NG speaks for all threads.

    Raises:
        PrerequisiteError: The extra `speech` is missing.
    """

    def __init__(self, folder: Path, table: str, column: str, spec: Speech, seed: int) -> None:
        super().__init__(folder, table, column)
        check_speech()
        self._spec, self._seed, self._lock = spec, seed, threading.Lock()
        command = [sys.executable, "-I", str(_SPEAKER)]
        self._speaker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        """End the process."""
        assert self._speaker.stdin is not None
        assert self._speaker.stdout is not None
        self._speaker.stdin.close()
        self._speaker.stdout.close()
        self._speaker.wait()

    def _made(self, row: DocumentRow, other: Any) -> dict[str, Any]:
        del other
        spec, text = self._spec, str(row.fields.get("text") or "")
        rng = stream(self._seed, self._table, self._column, row.number)
        voice = spec.voice[int(rng.integers(len(spec.voice)))]
        if spec.voice_column is not None:
            voice = str(row.fields.get("voice") or voice)
        low, high = spec.speed if isinstance(spec.speed, tuple) else (spec.speed, spec.speed)
        speed = int(rng.integers(low, high + 1))
        samples, heard = self._said(text, voice, speed)
        seconds = len(samples) / NATIVE
        samples = worn(samples, spec, rng)
        content = wav(samples, spec.sample_rate)
        path = self._path(row.number, "wav")
        sizes = {"sample_rate": spec.sample_rate, "seconds": round(seconds, 4)}
        return {
            "table": self._table,
            "row": row.number,
            "text": text,
            "voice": voice,
            "speed": speed,
            **sizes,
            "words": words_of(text, heard, seconds),
            "files": [self._written(path, content) | sizes],
        }

    def _said(self, text: str, voice: str, speed: int) -> tuple[Samples, list[list[int]]]:
        """Samples from -1 to 1, and where each word begins in the text and in them."""
        request = json.dumps({"text": text, "voice": voice, "speed": speed})
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
                    f"eSpeak NG ended while it spoke `{self._table}.{self._column}`",
                    code="source.speech",
                    hint="run the same command to continue",
                ) from exc
        if "error" in told:
            raise SourceError(
                f"`{self._table}.{self._column}`: {told['error']}",
                code="source.voice",
                hint="name a voice of eSpeak NG, such as en-us, en-gb, de or fr",
            )
        check_rate(told["rate"], NATIVE)
        return np.frombuffer(content, "<i2") / 32768, told["words"]


def check_rate(found: int, wanted: int) -> None:
    """Refuse samples of another rate: played at this one, they would be too slow or too fast.

    Raises:
        SourceError: The rates differ.
    """
    if found != wanted:
        raise SourceError(
            f"the speech has {found:,} samples a second, where {wanted:,} were expected",
            code="source.sample-rate",
            hint="install the version of `espeakng-loader` that Fabula's extra `speech` names",
        )


def words_of(text: str, heard: list[list[int]], seconds: float) -> list[dict[str, Any]]:
    """The words of a text, each with its first and last second; one ends where the next begins.

    eSpeak NG speaks some words in one go (`has not`), and some in parts (`42`). The former stand
    together, the latter once, so that all words of the text are there in its order.
    """
    first: dict[int, float] = {}
    tokens = [(found.start(), found.end()) for found in re.finditer(r"\S+", text)]
    ends = [end for _, end in tokens]
    for place, _, sample in heard:
        token = min(bisect_right(ends, place), len(tokens) - 1)
        first.setdefault(token, sample / NATIVE)
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


def worn(samples: Samples, spec: Speech, rng: np.random.Generator) -> Samples:
    """Samples in a room, over a telephone, among noise, at the rate that is asked for."""
    if not len(samples):
        return samples
    loud = float(np.sqrt((samples**2).mean()))
    if spec.reverb:
        tail = np.arange(int(0.3 * NATIVE)) / NATIVE
        room = rng.standard_normal(len(tail)) * np.exp(-tail / 0.06)
        room *= spec.reverb / np.sqrt((room**2).sum())
        room[0] = 1.0
        size = len(samples) + len(room)
        mixed = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)
        samples = mixed[: len(samples)]  # as long as it was: word times stay true
    if spec.noise:
        samples = samples + spec.noise * loud * rng.standard_normal(len(samples))
    count = round(len(samples) * spec.sample_rate / NATIVE)
    waves = np.fft.rfft(samples)
    if spec.telephone:
        pitch = np.fft.rfftfreq(len(samples), 1 / NATIVE)
        waves[(pitch < 300) | (pitch > 3_400)] = 0
    return np.fft.irfft(waves[: count // 2 + 1], count) * (count / len(samples))


def wav(samples: Samples, rate: int) -> bytes:
    """Samples as a WAV file of 16 bits; what is too loud is made softer as a whole."""
    peak = float(np.abs(samples).max(initial=0))
    whole = np.rint(samples / max(1.0, peak) * 32767).astype("<i2")
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.tobytes())
    return content.getvalue()
