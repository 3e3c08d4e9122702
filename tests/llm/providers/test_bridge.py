"""Vendors behind LiteLLM, against a stand-in on this machine with the vendors' own shapes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import AuthenticationError, FabulaError, UsageError
from fabula.llm.client.presets import PROVIDERS
from fabula.testing import check_provider

pytest.importorskip("litellm")

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM's own
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SECRET = "k-9f83b2c1d7e6a5"


class Vendors:
    """A server that answers as Azure, Bedrock and Vertex do, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.fail: Callable[[int], tuple[int, str] | None] = lambda _: None
        vendors = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None: ...

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/token":
                    self._send(200, {"access_token": SECRET, "expires_in": 3600})
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                vendors.asked.append((self.path, headers, json.loads(raw)))
                failure = vendors.fail(len(vendors.asked))
                if failure:
                    self._send(failure[0], {"error": {"message": failure[1], "code": "x"}})
                    return
                text = json.dumps({"city": f"City {len(vendors.asked)}"})
                self._send(200, _answer(self.path, text))

            def _send(self, status: int, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def _answer(path: str, text: str) -> dict[str, Any]:
    if path.endswith("/converse"):
        usage = {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}
        said = {"role": "assistant", "content": [{"text": text}]}
        return {"output": {"message": said}, "stopReason": "end_turn", "usage": usage}
    if "generateContent" in path:
        said = {"role": "model", "parts": [{"text": text}]}
        usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
        return {"candidates": [{"content": said, "finishReason": "STOP"}], "usageMetadata": usage}
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [choice], "usage": usage}  # fmt: skip


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    made = Vendors()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def _cities(model: dict[str, Any], n: int = 2) -> list[dict[str, Any]]:
    return fb.rows(CITY, prompt="cities", n=n, rows_per_call=1, model=model)


def test_azure_gets_its_address_version_and_key(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_AZURE_KEY", SECRET)
    model = {
        "provider": "litellm", "name": "azure/gpt-x", "base_url": vendors.url,
        "api_key_env": "MY_AZURE_KEY", "extra_body": {"api_version": "2024-10-21"},
    }  # fmt: skip
    found: list[Any] = []
    rows = fb.rows(CITY, prompt="cities", n=2, rows_per_call=1, model=model, temperature=0.5,
                   on_result=found.append)  # fmt: skip
    path, headers, body = vendors.asked[0]
    assert rows == [{"city": "City 1"}, {"city": "City 2"}]
    assert path == "/openai/deployments/gpt-x/chat/completions?api-version=2024-10-21"
    assert headers["api-key"] == SECRET
    assert body["temperature"] == 0.5
    assert "city" in body["response_format"]["json_schema"]["schema"]["properties"]
    assert (found[0].usage.prompt_tokens, found[0].usage.completion_tokens) == (22, 14)


def test_bedrock_gets_its_path_and_its_token(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", SECRET)
    name = "bedrock/anthropic.claude-3-haiku-20240307-v1:0"
    model = {"provider": "litellm", "name": name, "base_url": vendors.url,
             "extra_body": {"aws_region_name": "eu-central-1"}}  # fmt: skip
    assert _cities(model) == [{"city": "City 1"}, {"city": "City 2"}]
    path, headers, body = vendors.asked[0]
    assert path == "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert "cities" in json.dumps(body["messages"])
    _cities(model)
    assert len(vendors.asked) == 2  # replies are in the ledger


def test_vertex_gets_a_token_of_its_service_account(
    vendors: Vendors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "project_id": "p", "private_key_id": "1",
               "private_key": pem, "client_email": "a@p.example", "client_id": "1",
               "token_uri": f"{vendors.url}/token"}  # fmt: skip
    (tmp_path / "account.json").write_text(json.dumps(account), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    model = {"provider": "litellm", "name": "vertex_ai/gemini-2.0-flash", "base_url": vendors.url,
             "extra_body": {"vertex_project": "p", "vertex_location": "europe-west1"}}  # fmt: skip
    assert _cities(model) == [{"city": "City 1"}, {"city": "City 2"}]
    path, headers, body = vendors.asked[0]
    assert "generateContent" in path
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert "cities" in json.dumps(body["contents"])


def test_a_refused_schema_is_asked_in_words_and_a_busy_vendor_again(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_AZURE_KEY", SECRET)
    failures = {1: (400, "response_format is not supported"), 3: (503, "try again in 0.1s")}
    vendors.fail = failures.get
    model = {"provider": "litellm", "name": "azure/gpt-x", "base_url": vendors.url,
             "api_key_env": "MY_AZURE_KEY", "extra_body": {"api_version": "1"},
             "concurrency": 1}  # fmt: skip
    assert len(_cities(model)) == 2
    assert "response_format" in vendors.asked[0][2]
    assert all("response_format" not in body for _, _, body in vendors.asked[1:])
    assert "JSON Schema" in json.dumps(vendors.asked[1][2])
    assert len(vendors.asked) == 4


def test_the_bridge_keeps_the_promises_of_a_provider(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BASE", vendors.url), ("KEY", SECRET), ("VERSION", "2024-10-21")):
        monkeypatch.setenv(f"AZURE_API_{name}", value)
    check_provider(PROVIDERS["litellm"], "azure/gpt-x")


def test_no_secret_stands_in_an_error(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_AZURE_KEY", SECRET)
    vendors.fail = lambda _: (401, f"wrong key {SECRET}")
    model = {"provider": "litellm", "name": "azure/gpt-x", "base_url": vendors.url,
             "api_key_env": "MY_AZURE_KEY", "extra_body": {"api_version": "1"}}  # fmt: skip
    with pytest.raises(AuthenticationError) as refused:
        _cities(model)
    assert SECRET not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"
    assert "***" in str(refused.value)


def test_what_can_not_travel_is_refused_before_a_call() -> None:
    model = {"provider": "litellm", "name": "azure/x", "rpm": 3}
    with pytest.raises(UsageError, match="`rpm` is not possible"):
        _cities(model)
    with pytest.raises(FabulaError, match="needs a key in NO_SUCH_KEY"):
        _cities({"provider": "litellm", "name": "azure/x", "api_key_env": "NO_SUCH_KEY"})


@pytest.mark.slow
def test_the_bridge_is_imported_without_the_network() -> None:
    """Sockets fail in this process; the import must not try any, nor say anything."""
    code = (
        "import socket\n"
        "def no(*_, **__): raise SystemExit('network')\n"
        "socket.socket.connect = no; socket.getaddrinfo = no\n"
        "from fabula.llm.providers.bridge import _litellm\n"
        "print(_litellm().__name__)\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code],
                          capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.stdout == "litellm\n"
    assert done.returncode == 0, done.stderr
