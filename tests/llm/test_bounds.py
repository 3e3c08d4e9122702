"""What a hostile or broken server may cost: memory, time, money."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from time import monotonic

import pytest
from aiohttp import web

from fabula.errors import BudgetReached, ModelError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.llm.client import transport
from fabula.llm.client.chat import ChatModel
from fabula.llm.client.limits import Patience
from fabula.testing import ChatServer, Reply
from tests.llm.builders import Opened, asking

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """An HTTP server of one handler; gives its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def test_a_reply_that_inflates_without_end_is_refused_and_not_asked_again(
    opened: Opened,
) -> None:
    """Memory stays within a few times the limit."""
    bomb = gzip.compress(b"0" * 400_000_000, 9)
    asked: list[str] = []

    async def inflate(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(inflate) as url:
        tracemalloc.start()
        with pytest.raises(ModelError) as caught:
            await opened(url, max_reply=4_000_000).complete(asking())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert caught.value.code == "model.reply-too-large"
    assert peak < 100_000_000
    assert len(asked) == 1


async def test_interim_answers_without_end_are_one_error(opened: Opened) -> None:
    """A few of them, as a proxy may send, are passed over."""
    connections: list[bytes] = []

    async def interim(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.readline())
        with suppress(ConnectionError):
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await writer.drain()

    server = await asyncio.start_server(interim, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ModelError, match="interim answers") as caught:
            await opened(f"http://127.0.0.1:{port}/v1").complete(asking())
    assert caught.value.code == "model.no-reply"
    assert len(connections) == 1


@pytest.mark.parametrize("status", [200, 500])
async def test_a_reply_that_never_ends_is_refused_and_not_asked_again(
    opened: Opened, status: int
) -> None:
    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    async with serving(pour) as url:
        with pytest.raises(ModelError) as caught:
            await opened(url, max_reply=4_000_000).complete(asking())
    assert caught.value.code == "model.reply-too-large"


async def test_a_reply_that_stands_still_is_a_timeout(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the whole request times out."""
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0.1)

    async def stand_still(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"choices"')
        await asyncio.sleep(60)
        return response

    async with serving(stand_still) as url:
        model = opened(url, patience=Patience(tries=2, first_wait=0.01))
        started = monotonic()
        with pytest.raises(ModelError, match="in all 2 tries"):
            await model.complete(asking())
    assert monotonic() - started < 40  # the server stands still for 60


@pytest.mark.parametrize(
    "bytes_sent",
    [b"\x00\x01\x02 no such protocol\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"],
)
async def test_what_does_not_speak_http_is_said_after_one_try(
    opened: Opened, bytes_sent: bytes
) -> None:
    asked: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(bytes_sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(ModelError) as caught:
            await opened(f"http://127.0.0.1:{port}/v1").complete(asking())
    assert caught.value.code == "model.no-api"
    assert len(asked) == 1


async def test_https_to_a_server_of_http_is_named(opened: Opened) -> None:
    with ChatServer() as server, pytest.raises(ModelError) as caught:
        await opened(server.url.replace("http:", "https:")).complete(asking())
    assert "does not speak TLS" in caught.value.message
    assert server.url in (caught.value.hint or "")


async def all_of(model: ChatModel) -> None:
    """Fifty requests, one after the other."""
    for number in range(50):
        await model.complete(asking(f"{number}"))


@pytest.mark.parametrize("tokens", ["-1000000", "-99999999999999999999999", "1e300", '"many"', "0"])
async def test_an_endpoint_that_miscounts_does_not_switch_a_limit_off(
    opened: Opened, tmp_path: Path, tokens: str
) -> None:
    """And its reply is kept."""
    body = (
        '{"choices": [{"message": {"content": "' + "word " * 200 + '"}, "finish_reason": "stop"}],'
        f' "usage": {{"prompt_tokens": {tokens}, "completion_tokens": {tokens}}}}}'
    )
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ChatServer(lambda _: Reply(body=body)) as server:
        model = opened(server, ledger=ledger, budget=Budget(max_tokens=1000))
        with pytest.raises(BudgetReached):
            await all_of(model)
    ledger.close()
    assert 3 <= len(server.calls) <= 5
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as kept:
        assert kept.execute("SELECT count(*) FROM replies").fetchone() == (len(server.calls),)


async def test_a_reply_that_echoes_a_secret_is_kept_without_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers and logins that gateways echo are not data."""
    monkeypatch.setenv("MY_KEY", "sk-very-secret-0123456789")
    monkeypatch.setenv("TENANT", "tenant-secret-987")

    def echo(call: object) -> str:
        return " ".join(getattr(call, "headers", {}).values())

    with ChatServer(echo) as server:
        address = server.url.replace("//", "//me:password-123@")
        headers = {"X-Tenant": "${TENANT}", "X-Title": "my own title"}
        reply = await opened(address, api_key_env="MY_KEY", headers=headers).complete(asking())
        keyed = await opened(server, api_key_env="MY_KEY").complete(asking())
    for secret in ("sk-very", "tenant-secret", "password-123", "bWU6cGFzc3dvcmQtMTIz"):
        assert secret not in reply.text + keyed.text
    assert "my own title" in reply.text


async def test_a_key_that_is_a_word_changes_no_text(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As own servers get, which want any key at all."""
    monkeypatch.setenv("MY_KEY", "ollama")
    with ChatServer(["I run ollama at home."]) as server:
        reply = await opened(server, api_key_env="MY_KEY").complete(asking())
    assert reply.text == "I run ollama at home."
