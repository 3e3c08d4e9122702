"""Samples: joined to a dialogue, worn by rooms and telephones, written as WAV, FLAC or MP3."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fabula.kinds.speech import Speech
from fabula.media.probing import UnreadableError, soundfile_module

Samples = NDArray[np.float64]
_SCALE = 32768


def joined(parts: Sequence[Samples], starts: Sequence[float], rate: int) -> Samples:
    """Parts that begin at these seconds, added where they overlap."""
    places = [round(start * rate) for start in starts]
    whole = np.zeros(max((at + len(p) for at, p in zip(places, parts, strict=True)), default=0))
    for place, part in zip(places, parts, strict=True):
        whole[place : place + len(part)] += part
    return whole


def worn(samples: Samples, spec: Speech, rng: np.random.Generator, rate: int) -> Samples:
    """Samples in a room, over a telephone, among noise, at the rate that is asked for."""
    if not len(samples):
        return samples
    loud = float(np.sqrt((samples**2).mean()))
    if spec.reverb:
        tail = np.arange(int(0.3 * rate)) / rate
        room = rng.standard_normal(len(tail)) * np.exp(-tail / 0.06)
        room *= spec.reverb / np.sqrt((room**2).sum())
        room[0] = 1.0
        size = len(samples) + len(room)
        mixed = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)
        samples = mixed[: len(samples)]  # as long as it was: word times stay true
    if spec.noise:
        samples = samples + spec.noise * loud * rng.standard_normal(len(samples))
    count = round(len(samples) * spec.sample_rate / rate)
    waves = np.fft.rfft(samples)
    if spec.telephone:
        pitch = np.fft.rfftfreq(len(samples), 1 / rate)
        waves[(pitch < 300) | (pitch > 3_400)] = 0
    return np.fft.irfft(waves[: count // 2 + 1], count) * (count / len(samples))


def encoded(samples: Samples, rate: int, form: str) -> bytes:
    """Samples as a file of 16 bits; what is too loud is made softer as a whole."""
    peak = float(np.abs(samples).max(initial=0))
    whole = np.rint(samples / max(1.0, peak) * 32767).astype("<i2")
    content = io.BytesIO()
    if form == "wav":
        with wave.open(content, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(whole.tobytes())
    else:
        soundfile_module().write(content, whole, rate, format=form.upper())
    return content.getvalue()


def decoded(content: bytes) -> tuple[Samples, int]:
    """The samples of a WAV file as one channel, and how many a second has.

    Raises:
        UnreadableError: It is not a WAV file of 16 bits, or silent.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            if file.getsampwidth() != 2:
                raise UnreadableError(f"has {8 * file.getsampwidth()} bits a sample, not 16")
            rate, channels = file.getframerate(), file.getnchannels()
            heard = file.readframes(file.getnframes())
    except (wave.Error, EOFError, ValueError) as exc:
        raise UnreadableError(f"is not a whole WAV file: {exc}") from exc
    whole = np.frombuffer(heard[: len(heard) // (2 * channels) * 2 * channels], "<i2")
    samples = whole.reshape(-1, channels).mean(axis=1) / _SCALE
    if not samples.any():
        raise UnreadableError("contains no sound")
    return samples, rate
