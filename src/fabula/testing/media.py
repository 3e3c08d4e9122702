"""Made-up pictures and sound for the scripted server, the same for the same request."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from hashlib import sha256

from fabula.testing.calls import Call

SIDE = 64
RATE = 24_000
"""Samples a second of OpenAI's speech."""


def picture(call: Call) -> bytes:
    """A PNG of one colour, of the size that is asked for."""
    width, _, height = str(call.body.get("size") or f"{SIDE}x{SIDE}").partition("x")
    return flat_png(int(width), int(height), sha256(call.prompt.encode()).digest()[:3])


def flat_png(width: int, height: int, colour: bytes) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + colour * width) * height
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def speech(call: Call, rate: int = RATE) -> bytes:
    """A WAV file that lasts a third of a second for each word."""
    words = len(call.prompt.split())
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\x10\0\xf0" * (rate * words // 6))
    return content.getvalue()
