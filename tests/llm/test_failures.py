"""What goes wrong between Fabula and an endpoint, injected over real HTTP."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import traceback
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiohttp import web

import fabula as fb
from fabula.errors import AuthenticationError, FabulaError, ModelError, RateLimitError
from fabula.llm.client import permission
from fabula.llm.client.limits import Patience, Place
from fabula.llm.client.presets import start_of
from fabula.testing import ChatServer, Reply
from fabula.testing import replies as script
from tests.failures import short
from tests.llm.builders import QUICK, Opened, asking

SECRET = "sk-very-secret-0123456789"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that calls wait before they try again; how long that takes is the machine's."""
    waited: list[float] = []
    step_aside = Place.step_aside

    async def noted(place: Place, seconds: float) -> None:
        waited.append(seconds)
        await step_aside(place, seconds)

    monkeypatch.setattr(Place, "step_aside", noted)
    return waited


@pytest.mark.parametrize(
    "failure",
    [
        script.rate_limited(),
        script.rate_limited(retry_after=0.05),
        script.failed(408),
        script.failed(500),
        script.failed(502, "<html>bad gateway</html>"),
        script.failed(503, "overloaded"),
        script.failed(529, "overloaded"),
        script.reset(),
        script.slow(20.0),
        script.invalid_envelope(),
        script.invalid_envelope('{"hello": 1}'),
        script.invalid_envelope("[]"),
        script.invalid_envelope(""),
        script.invalid_envelope('{"choices": []}'),
        script.invalid_envelope('{"choices": {"a": 1}}'),
        script.invalid_envelope('{"choices": null, "base_resp": {"status_msg": "rate limit"}}'),
        script.invalid_envelope('{"choices": [{"finish_reason": "error", "error": {}}]}'),
        script.Reply("The lighthouse stood ov", finish="abort"),
        script.Reply("The lighthouse stood ov", finish="insufficient_system_resource"),
        script.invalid_envelope('{"error": {"message": "upstream failed", "code": 502}}'),
    ],
    ids=lambda failure: f"{failure.status}{failure.body or ''}{'reset' * failure.reset}"[:40],
)
async def test_a_passing_failure_is_tried_again(opened: Opened, failure: Reply) -> None:
    """Backoff, and the call does not notice."""
    with ChatServer([failure, failure, "done"]) as server:
        reply = await opened(server, **short(failure)).complete(asking())
    assert reply.text == "done"
    assert len(server.calls) == 3


async def test_a_failure_that_does_not_pass_ends_in_a_named_error(opened: Opened) -> None:
    """Bounded."""
    with (
        ChatServer(lambda _: script.failed(500, "broken engine")) as server,
        pytest.raises(ModelError, match=r"failed in all 4 tries.*broken engine") as caught,
    ):
        await opened(server).complete(asking())
    assert caught.value.code == "model.unavailable"
    assert len(server.calls) == QUICK.tries


async def test_an_endpoint_that_stays_busy_ends_in_a_named_error(opened: Opened) -> None:
    """Bounded."""
    with (
        ChatServer(lambda _: script.rate_limited()) as server,
        pytest.raises(RateLimitError, match="stayed busy for 4 tries") as caught,
    ):
        await opened(server).complete(asking())
    assert caught.value.code == "model.busy"
    assert len(server.calls) == QUICK.tries


async def test_retry_after_is_honoured(opened: Opened) -> None:
    with ChatServer([script.rate_limited(retry_after=0.4), "done"]) as server:
        started = monotonic()
        await opened(server).complete(asking())
    assert monotonic() - started >= 0.4


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Reply("slow down", status=429, headers={"retry-after-ms": "300"}), 0.3),
        (script.failed(429, "Limit reached. Please try again in 0.3s."), 0.3),
        (script.failed(429, "Limit reached. Please try again in 300ms."), 0.3),
        (script.failed(429, "You exceeded your current quota. Please retry in 0.3s."), 0.3),
        (Reply(status=429, body='[{"error": {"message": "retry in 0.3s"}}]'), 0.3),
        (Reply("x", status=429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 0.0),
        (Reply("x", status=429, headers={"Retry-After": "soon"}), 0.0),
    ],
)
async def test_other_ways_to_ask_for_a_pause_are_understood(
    opened: Opened, waits: list[float], answer: Reply, seconds: float
) -> None:
    """What OpenAI, Azure, Groq and Gemini say instead of Retry-After."""
    with ChatServer([answer, "done"]) as server:
        started = monotonic()
        await opened(server).complete(asking())
    assert seconds <= monotonic() - started
    assert [seconds] == pytest.approx(waits, abs=QUICK.first_wait)


async def test_a_retry_after_beyond_the_deadline_is_said_at_once(
    opened: Opened, waits: list[float]
) -> None:
    with ChatServer([script.rate_limited(retry_after=3600)]) as server:
        model = opened(server)
        calls = asyncio.gather(*(model.complete(asking(f"{n}")) for n in range(10)))
        with pytest.raises(RateLimitError, match="asks to wait 3600 s"):
            await asyncio.wait_for(calls, 60)
    assert waits == []
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (script.failed(401, f"bad key {SECRET}"), "model.authentication", AuthenticationError),
        (script.failed(403, "not in your country"), "model.authentication", AuthenticationError),
        (script.failed(404, "no such model"), "model.not-found", ModelError),
        (script.failed(402, "pay first"), "model.quota", RateLimitError),
        (script.quota_spent(), "model.quota", RateLimitError),
        (Reply(body="<html>Welcome</html>"), "model.no-api", ModelError),
        (script.failed(405, "no POST here"), "model.no-api", ModelError),
        (script.failed(501, "what?"), "model.no-api", ModelError),
        (script.failed(301, "moved"), "model.no-api", ModelError),
    ],
)
async def test_a_final_failure_stops_everything_after_one_request(
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
    answer: Reply,
    code: str,
    kind: type[FabulaError],
) -> None:
    """Immediate, clear, one request for thirty calls, the key never printed."""
    monkeypatch.setenv("MY_KEY", SECRET)
    with ChatServer(lambda _: answer) as server:
        model = opened(server, api_key_env="MY_KEY")
        outcomes: list[Any] = await asyncio.gather(
            *(model.complete(asking(f"{n}")) for n in range(30)), return_exceptions=True
        )
        outcomes += await asyncio.gather(model.complete(asking("late")), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {kind}
    assert {outcome.code for outcome in outcomes} == {code}
    assert len({str(outcome) for outcome in outcomes}) == 1
    assert outcomes[0].hint
    assert SECRET not in "".join(traceback.format_exception(outcomes[0]))
    assert server.calls[0].key == SECRET
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"api_key_env": "MY_KEY"}, "refused the key in MY_KEY (401)", "fabula keys set"),
        ({"provider": "openai", "base_url": None}, "openai wants a key", "OPENAI_API_KEY=…"),
        ({}, "wants a key (401)", "`api_key_env`"),
    ],
)
async def test_a_refusal_names_the_variable_of_the_key(
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    message: str,
    hint: str,
) -> None:
    """401; the key itself is blotted out where the server repeats it."""
    monkeypatch.setenv("MY_KEY", SECRET)
    with ChatServer(key="another") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(AuthenticationError) as caught:
            await opened(server, **settings).complete(asking())
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert SECRET not in str(caught.value)


async def test_a_prompt_that_is_too_long_is_named(opened: Opened) -> None:
    """The caller can ask for less; other calls continue."""
    too_long = script.failed(400, "maximum context length is 8192", error="context_length_exceeded")
    with ChatServer([too_long, "fine"]) as server:
        model = opened(server)
        with pytest.raises(ModelError) as caught:
            await model.complete(asking("long"))
        assert caught.value.code == "model.context-length"
        assert (await model.complete(asking("short"))).text == "fine"


async def test_an_endpoint_that_is_down_is_named_at_once(
    opened: Opened, waits: list[float]
) -> None:
    """Nothing listens there."""
    with ChatServer() as server:
        url = server.url
    with pytest.raises(ModelError) as caught:
        await opened(url, patience=Patience()).complete(asking())
    assert caught.value.code == "model.unreachable"
    assert url in caught.value.message
    assert "--model fake" in (caught.value.hint or "")
    assert waits == []


async def test_a_host_that_does_not_exist_is_named(opened: Opened) -> None:
    with pytest.raises(ModelError) as caught:
        await opened("http://no-such-host.invalid/v1").complete(asking())
    assert caught.value.code == "model.unreachable"


async def test_a_server_that_is_no_model_is_named(opened: Opened) -> None:
    """An endpoint that is not an LLM; here a web page."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=f"<html>{request.path}</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        with pytest.raises(ModelError, match="web page") as caught:
            await opened(f"http://127.0.0.1:{port}").complete(asking())
    finally:
        await runner.cleanup()
    assert caught.value.code == "model.no-api"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that no authority signed, with its key in one file."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the test's certificate")
    file = tmp_path / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", f"{file}.crt"]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


async def test_certificates_are_checked_and_can_be_trusted(
    opened: Opened, certificate: Path
) -> None:
    """Certificate error; A6.7: `ca_file` and `verify_tls` per model."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with ChatServer(tls=tls) as server:
        with pytest.raises(ModelError) as caught:
            await opened(server).complete(asking())
        assert caught.value.code == "model.certificate"
        assert "self-signed" in caught.value.message
        assert server.calls == []
        await opened(server, ca_file=f"{certificate}.crt").complete(asking())
        await opened(server, verify_tls=False).complete(asking())
    assert len(server.calls) == 2


async def test_a_ca_file_that_holds_no_certificate_is_named(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    model = opened("https://127.0.0.1:1/v1", ca_file=str(tmp_path / "empty.pem"))
    with pytest.raises(FabulaError) as caught:
        await model.complete(asking())
    assert caught.value.code == "model.ca-file"


async def test_the_environments_proxy_is_used_and_can_be_excepted(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies; the scripted server takes the proxy's place."""
    with ChatServer(["through the proxy"]) as proxy, ChatServer(["direct"]) as server:
        monkeypatch.setenv("http_proxy", proxy.root.replace("//", "//me:pass@"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        reply = await opened("http://model.example/v1").complete(asking())
        direct = await opened(server).complete(asking())
    assert (reply.text, direct.text) == ("through the proxy", "direct")
    assert proxy.calls[0].headers["Host"] == "model.example"
    assert proxy.calls[0].headers["Proxy-Authorization"] == "Basic bWU6cGFzcw=="
    assert "Proxy-Authorization" not in server.calls[0].headers


async def test_a_proxy_that_is_down_is_named_without_its_password(opened: Opened) -> None:
    with ChatServer() as server:
        port = server.root.rpartition(":")[2]
    model = opened("http://model.example/v1", proxy=f"http://me:{SECRET}@127.0.0.1:{port}")
    with pytest.raises(ModelError) as caught:
        await model.complete(asking())
    assert caught.value.code == "model.proxy"
    assert SECRET not in "".join(traceback.format_exception(caught.value))


async def test_a_proxy_that_refuses_is_named_without_its_password(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the traceback, which shows the HTTP library's errors; the proxy sees no key."""
    no_entry = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    heads: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(no_entry)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("MY_KEY", "sk-my-key")
    permission.grant(["MY_KEY"])
    model = opened(
        "https://model.example/v1",
        proxy=f"http://me:{SECRET}@127.0.0.1:{port}",
        api_key_env="MY_KEY",
    )
    async with server:
        with pytest.raises(ModelError, match="407") as caught:
            await model.complete(asking())
    assert caught.value.code == "model.proxy"
    assert b"Proxy-Authorization: Basic " in heads[0]
    assert b"sk-my-key" not in heads[0]
    assert SECRET not in "".join(traceback.format_exception(caught.value))


async def test_an_address_may_hold_a_login(opened: Opened) -> None:
    """Gateways behind basic authentication."""
    with ChatServer() as server:
        await opened(server.url.replace("//", "//me:pass@")).complete(asking())
    assert server.calls[0].headers["Authorization"] == "Basic bWU6cGFzcw=="


async def test_an_address_with_a_password_is_not_shown(opened: Opened) -> None:
    """The key never printed, in identities neither."""
    with ChatServer() as server:
        port = server.root.rpartition(":")[2]
    model = opened(f"http://me:{SECRET}@127.0.0.1:{port}/v1?key={SECRET}")
    with pytest.raises(ModelError) as caught:
        await model.complete(asking())
    assert SECRET not in model.identity
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_folder_of_a_run_that_made_nothing_is_free_for_the_fake_model(tmp_path: Path) -> None:
    """The hint works as typed: the same folder, with `--model fake`."""
    with ChatServer() as server:
        url = server.url
    writer = {"provider": "openai-compatible", "base_url": url, "name": "m"}
    column = {"kind": "text", "model": "writer", "prompt": "Hi"}
    spec = {
        "fabula": 1,
        "models": {"writer": writer},
        "tables": {"t": {"n": 2, "columns": {"a": column}}},
    }
    with pytest.raises(ModelError) as caught:
        fb.generate(spec, output=tmp_path / "out")
    assert caught.value.code == "model.unreachable"
    assert fb.generate(spec, output=tmp_path / "out", model="fake").count() == 2


def test_a_local_server_that_is_down_is_started_by_its_own_command() -> None:
    assert start_of("http://localhost:11434/v1") == "ollama serve"
    assert start_of("https://models.example:11434/v1") is None
