"""What a call costs: Fabula bare and with its ledger against raw aiohttp, in one run.

A server in another process answers after 50 ms; 64 calls are open at once. Prints requests a
second and CPU milliseconds a request, the best of a few rounds taken in turn:

    python benchmarks/llm_transport.py --requests 1000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from fabula.llm.cache.cached import Recorded
from fabula.llm.cache.ledger import Ledger
from fabula.llm.client.chat import ChatRequest, Message
from fabula.llm.providers.catalogue import open_model
from fabula.spec.models import ModelSpec

LATENCY = 0.05
AT_ONCE = 64
SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["good", "bad"]}},
    "required": ["label"],
}
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": '{"label": "good"}'},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 30, "completion_tokens": 8},
    }
).encode()


class FixedAnswer(asyncio.Protocol):
    """Answers every request on a connection with the same bytes after a while."""

    def __init__(self) -> None:
        self._received = b""
        self._answer = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
            + str(len(ANSWER)).encode()
            + b"\r\n\r\n"
            + ANSWER
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) >= length:
            self._received = rest[length:]
            asyncio.get_running_loop().call_later(LATENCY, self._transport.write, self._answer)


def serve(pipe: Connection) -> None:
    """Serve until the process is ended; tells its port first."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(FixedAnswer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


Ask = Callable[[int], Awaitable[object]]


async def measure(ask: Ask, requests: int) -> tuple[float, float]:
    """Requests a second and CPU milliseconds a request."""
    numbers = iter(range(requests))

    async def work() -> None:
        for number in numbers:
            await ask(number)

    await asyncio.gather(*(ask(-1 - n) for n in range(AT_ONCE)))
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return requests / wall, cpu * 1000 / requests


async def raw_aiohttp(url: str, requests: int) -> tuple[float, float]:
    """The same requests through an aiohttp session and nothing else."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(number: int) -> object:
            form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA}}
            body = {
                "model": "bench",
                "messages": [{"role": "user", "content": f"Label text {number}."}],
                "response_format": form,
            }
            async with session.post(f"{url}/chat/completions", json=body) as response:
                return (await response.json())["choices"][0]["message"]["content"]

        return await measure(ask, requests)


async def fabula(url: str, requests: int, ledger: Ledger | None) -> tuple[float, float]:
    """The same requests through a Fabula model."""
    settings = ModelSpec(
        provider="openai-compatible", name="bench", base_url=url, concurrency=AT_ONCE
    )
    model = open_model(settings)
    if ledger:
        model = Recorded(model, ledger)

    async def ask(number: int) -> object:
        prompt = Message("user", f"Label text {number}.")
        return (await model.complete(ChatRequest((prompt,), schema=SCHEMA))).text

    try:
        return await measure(ask, requests)
    finally:
        await model.close()


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}/v1"
    results: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            ledger = Ledger(Path(folder) / f"{number}.sqlite")
            for name, run in {
                "raw aiohttp": raw_aiohttp(url, options.requests),
                "fabula": fabula(url, options.requests, None),
                "fabula + ledger": fabula(url, options.requests, ledger),
            }.items():
                results.setdefault(name, []).append(asyncio.run(run))
            ledger.close()
    server.terminate()
    print(f"{'':<16} {'requests/s':>10} {'CPU ms':>7} {'x aiohttp':>9}")
    floor = min(cpu for _, cpu in results["raw aiohttp"])
    for name, rounds in results.items():
        rate, cpu = max(rate for rate, _ in rounds), min(cpu for _, cpu in rounds)
        print(f"{name:<16} {rate:>10,.0f} {cpu:>7.3f} {cpu / floor:>9.2f}")


if __name__ == "__main__":
    main()
