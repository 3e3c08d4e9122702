"""What travels between parent and child: frames of a kind, a length and bytes.

A frame is one byte of kind, eight bytes of length (big-endian) and that many bytes. A table is its
name's length (two bytes), its name and one Arrow IPC stream. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

HEADER = struct.Struct(">cQ")
NAME = struct.Struct(">H")
REQUEST, LOCKED, TABLE, NOTES, FAULT = KINDS = b"R", b"L", b"T", b"N", b"F"
"""What is asked; the walls stand; rows; what was returned; why there is nothing."""
PIECE = 32 << 20
"""Bytes of a table that go into one frame, roughly: what its sender holds twice."""


MOST_JSON = 16 << 20
"""Bytes of a frame of JSON that comes back; Python's objects take many times as much."""
_ROOM = 1 << 20
"""Bytes that are made ready for a frame at first; then as many as have come."""
FRAME_COST = 4 << 10
"""Bytes that a frame counts alongside its own, so that empty ones don't come without end."""


class FrameError(Exception):
    """What was received is not what a child of ours sends."""


class Frame(NamedTuple):
    """One frame: its kind and its bytes."""

    kind: bytes
    body: memoryview


def json_frame(kind: bytes, value: Mapping[str, Any]) -> bytes:
    """A frame that holds JSON."""
    body = json.dumps(value).encode()
    return HEADER.pack(kind, len(body)) + body


def table_frames(name: str, table: pa.Table) -> Iterator[bytes | memoryview]:
    """A table as bytes to send one after another, in frames of about `PIECE` bytes."""
    rows = max(1, table.num_rows * PIECE // max(table.nbytes, 1))
    title = name.encode()
    for start in range(0, max(table.num_rows, 1), rows):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.slice(start, rows))
        body = memoryview(sink.getvalue())
        length = NAME.size + len(title) + len(body)
        yield HEADER.pack(TABLE, length) + NAME.pack(len(title)) + title
        yield body


def json_of(frame: Frame) -> dict[str, Any]:
    """The object that a frame of JSON holds.

    Raises:
        FrameError: It holds none.
    """
    try:
        value = json.loads(bytes(frame.body))
    except (ValueError, RecursionError) as error:
        raise FrameError("a reply that is not JSON") from error
    if not isinstance(value, dict):
        raise FrameError("a reply that is not a JSON object")
    return value


def named_stream(frame: Frame) -> tuple[str, memoryview]:
    """A table's name and its Arrow bytes.

    Raises:
        FrameError: The name is cut or no text.
    """
    try:
        (length,) = NAME.unpack_from(frame.body)
        name = bytes(frame.body[NAME.size : NAME.size + length]).decode()
    except (struct.error, UnicodeDecodeError) as error:
        raise FrameError("a table without a name") from error
    return name, frame.body[NAME.size + length :]


class FrameReader:
    """Cuts what comes out of a pipe into frames of `most` bytes together."""

    def __init__(self, most: int) -> None:
        self.frames: list[Frame] = []
        self._left = most
        self._header = bytearray(HEADER.size)
        self._kind = b""
        self._body: bytearray | None = None
        self._length = self._filled = 0

    def read(self, pipe: int) -> bool:
        """Read once from a pipe; False when it has ended.

        Raises:
            FrameError: The bytes are not frames, or too many, or end inside a frame.
        """
        target = self._header if self._body is None else self._body
        got = os.readv(pipe, [memoryview(target)[self._filled :]])
        if got == 0 and (self._filled or self._body is not None):
            raise FrameError("a reply that ends in the middle")
        self._filled += got
        if self._filled == len(target):
            if self._body is not None and self._filled < self._length:
                self._grow(self._body)
            else:
                self._turn()
        return got > 0

    def _grow(self, body: bytearray) -> None:
        """Make room as bytes come: a length alone, which anyone can write, costs nothing."""
        body.extend(bytes(min(self._length - len(body), max(len(body), _ROOM))))

    def _turn(self) -> None:
        """A header is whole, so a body comes next; or a body is, so a frame is done."""
        self._filled = 0
        if self._body is None:
            self._kind, length = HEADER.unpack(self._header)
            if self._kind not in KINDS:
                raise FrameError("bytes that are not a reply")
            if length + FRAME_COST > self._left:
                raise FrameError("more than the limit")
            if self._kind in (NOTES, FAULT, LOCKED) and length > MOST_JSON:
                raise FrameError(f"a reply of more than {MOST_JSON:,} bytes alongside its tables")
            self._left -= length + FRAME_COST
            self._length, self._body = length, bytearray()
            if length:
                self._grow(self._body)
                return
        self.frames.append(Frame(self._kind, memoryview(self._body)))
        self._body = None
