"""Made-up pictures, sound and clips for the `fake` model and the scripted server."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import numpy as np

from fabula.llm.client.chat import ChatReply, ChatRequest
from fabula.spec.models import ModelSpec
from fabula.testing.calls import Call

SIDE = 64
RATE = 24_000
"""Samples a second of OpenAI's speech."""
CLIP = 1
"""Seconds of a clip for which no length is asked."""
_CELLS = 5
"""Cells a side of a made-up picture."""


class AbstractFakeMedia(ABC):
    """Makes files of the digest of a text: nothing is asked, kept or paid for."""

    name = identity = "fake"
    form: Literal["chat", "completion"] = "chat"
    concurrency = 64
    is_recorded = False
    makes: str
    """What it makes, in a word."""

    def __init__(self, settings: ModelSpec, fields: Mapping[str, Any]) -> None:
        del settings
        self._fields = fields

    @property
    def blobs(self) -> AbstractFakeMedia:
        """Itself: the bytes are made again when they are looked for."""
        return self

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Name the file of a request."""
        text = request.messages[-1].content
        digest = sha256(f"{request.sample} {text}".encode()).hexdigest()
        return ChatReply(f"{self._size(text)}-{digest}", model=self.name)

    async def close(self) -> None:
        """Forget what was asked for."""
        self._fields = {}

    @abstractmethod
    def find(self, digest: str) -> bytes:
        """Make the file of a name."""

    @abstractmethod
    def _size(self, text: str) -> str:
        """How large the file of a text is."""


class FakePictures(AbstractFakeMedia):
    """Patterns of two colours, of the size that is wanted."""

    makes = "pictures"

    def find(self, digest: str) -> bytes:
        """Draw the picture of a name."""
        size, _, drawn = digest.partition("-")
        width, height = size.split("x")
        return pattern_png(int(width), int(height), bytes.fromhex(drawn))

    def _size(self, text: str) -> str:
        del text
        return str(self._fields.get("size") or f"{4 * SIDE}x{4 * SIDE}")


class FakeSpeech(AbstractFakeMedia):
    """A tone that lasts a third of a second for each word."""

    makes = "speech"

    def find(self, digest: str) -> bytes:
        """Sound the tone of a name."""
        words, _, tone = digest.partition("-")
        return tone_wav(int(words), 10 + int(tone[:2], 16) // 8)

    def _size(self, text: str) -> str:
        return str(len(text.split()))


class FakeVideos(AbstractFakeMedia):
    """Clips of a pattern that changes its colours, of the size and length that are wanted."""

    makes = "videos"

    def find(self, digest: str) -> bytes:
        """Draw the clip of a name."""
        size, seconds, drawn = digest.split("-")
        return pattern_mp4(size, float(seconds), bytes.fromhex(drawn))

    def _size(self, text: str) -> str:
        del text
        size, seconds = self._fields.get("size"), self._fields.get("seconds")
        return f"{size or f'{4 * SIDE}x{4 * SIDE}'}-{seconds or CLIP}"


def clip(call: Call) -> bytes:
    """A clip of the size and length that are asked for."""
    size = str(call.body.get("size") or f"{SIDE}x{SIDE}")
    seconds = float(call.body.get("seconds") or CLIP)
    return pattern_mp4(size, seconds, sha256(call.prompt.encode()).digest())


def pattern_mp4(size: str, seconds: float, digest: bytes) -> bytes:
    """An MP4 file of 8 frames a second, in two colours that a digest has."""
    from fabula.media.filming import mp4

    width, height = (int(side) for side in size.split("x"))
    count = max(1, round(8 * seconds))
    colours = np.frombuffer(digest[:6], np.uint8).reshape(2, 3).astype(float)
    shares = np.linspace(0, 1, count)[:, None]
    drawn = np.rint(colours[0] * (1 - shares) + colours[1] * shares).astype(np.uint8)
    return mp4((np.broadcast_to(each, (height, width, 3)) for each in drawn), 8)


def picture(call: Call) -> bytes:
    """A PNG of one colour, of the size that is asked for."""
    width, _, height = str(call.body.get("size") or f"{SIDE}x{SIDE}").partition("x")
    return flat_png(int(width), int(height), sha256(call.prompt.encode()).digest()[:3])


def flat_png(width: int, height: int, colour: bytes) -> bytes:
    """A PNG of one colour."""
    return _png(width, height, (b"\0" + colour * width) * height)


def pattern_png(width: int, height: int, digest: bytes) -> bytes:
    """A PNG of cells in two colours, mirrored, as a digest has them."""
    dark = bytes(each // 2 for each in digest[:3])
    light = bytes(191 + each // 4 for each in digest[:3])
    wide = [width * (at + 1) // _CELLS - width * at // _CELLS for at in range(_CELLS)]
    lines = []
    for row in range(_CELLS):
        cells = (digest[3 + row * _CELLS + min(at, _CELLS - 1 - at)] % 2 for at in range(_CELLS))
        line = b"".join((dark if cell else light) * wide[at] for at, cell in enumerate(cells))
        high = height * (row + 1) // _CELLS - height * row // _CELLS
        lines.append((b"\0" + line) * high)
    return _png(width, height, b"".join(lines))


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def speech(call: Call, rate: int = RATE) -> bytes:
    """A WAV file that lasts a third of a second for each word."""
    return tone_wav(len(call.prompt.split()), 1, rate)


def tone_wav(words: int, half: int, rate: int = RATE) -> bytes:
    """A WAV file of a tone.

    Args:
        words: It lasts a third of a second for each.
        half: Samples that half a swing takes.
        rate: Samples a second.
    """
    content = io.BytesIO()
    swing = b"\0\x10" * half + b"\0\xf0" * half
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        count = rate * words // 6 * 2
        file.writeframes((swing * (count // (2 * half) + 1))[: 2 * count])
    return content.getvalue()
