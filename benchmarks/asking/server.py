"""A chat server that answers after a fixed time with as many new rows as a request asks for.

Runs in a process of its own, so that what it costs is nobody's. `faults` makes it unreliable, the
same way for every run of the same length.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

_MANY = re.compile(rb"Write exactly (\d+) rows")


@dataclass(frozen=True)
class Faults:
    """Shares of answers that fail."""

    limited: float = 0.0
    broken: float = 0.0
    dropped: float = 0.0
    garbage: float = 0.0


class Answers(asyncio.Protocol):
    """One connection."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request after a while."""
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if len(rest) >= length:
            self._received = rest[length:]
            asyncio.get_running_loop().call_later(self._desk.latency, self._answer, rest[:length])

    def _answer(self, body: bytes) -> None:
        answer = self._desk.answer(body)
        if answer is None:
            self._transport.abort()
        else:
            self._transport.write(answer)


class Desk:
    """Makes the answers and counts them; a request for its counts is answered with them."""

    def __init__(self, latency: float, faults: Faults) -> None:
        self.latency = latency
        self._faults = faults
        self._chance = random.Random(1)
        self._rows = 0
        self._good: set[bytes] = set()
        self._again: set[bytes] = set()
        self._counts = {"requests": 0, "sent": 0, "rows": 0, "asked_again": 0}

    def answer(self, body: bytes) -> bytes | None:
        """The whole HTTP answer, or None where the connection is dropped."""
        if not body:
            return _http(200, json.dumps(self._counts).encode())
        self._counts["requests"] += 1
        if body in self._good:
            self._again.add(body)  # its own retries do not count
            self._counts["asked_again"] = len(self._again)
        chance, faults = self._chance.random(), self._faults
        for share, make in (
            (faults.limited, lambda: _http(429, b'{"error": {"message": "busy"}}')),
            (faults.broken, lambda: _http(500, b'{"error": {"message": "broken"}}')),
            (faults.dropped, lambda: None),
            (faults.garbage, self._garbage),
        ):
            if chance < share:
                return make()
            chance -= share
        self._counts["sent"] += 1
        found = _MANY.search(body)
        asked = int(found[1]) if found else 1
        rows = [{"text": f"row {self._rows + place} of the table"} for place in range(asked)]
        self._rows += asked
        self._counts["rows"] += asked
        self._good.add(body)
        text = json.dumps(rows[0] if asked == 1 else {"rows": rows})
        return _http(200, _envelope(text, len(body) // 4))

    def _garbage(self) -> bytes:
        self._counts["sent"] += 1
        return _http(200, _envelope("no rows today", 3))


def _envelope(text: str, prompt_tokens: int) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "bench",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": len(text) // 4,
                "total_tokens": prompt_tokens + len(text) // 4,
            },
        }
    ).encode()


def _http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _serve(pipe: Connection, latency: float, faults: Faults) -> None:
    async def run() -> None:
        desk = Desk(latency, faults)
        server = await asyncio.get_running_loop().create_server(
            lambda: Answers(desk), "127.0.0.1", 0
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def serving(latency: float, faults: Faults = Faults()) -> Iterator[str]:
    """The base URL of a server that runs until the `with` ends."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(there, latency, faults), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.terminate()
