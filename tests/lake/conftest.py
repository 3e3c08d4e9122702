"""A real S3 server on this machine, whose next uploads can be made to fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Store:
    """The server: its address, the requests that it got, and those that it will fail."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    fails: Callable[[str], bool] = lambda _: False

    def get(self, path: str) -> str:
        with urlopen(self.url + path) as answer:
            return str(answer.read().decode())

    def make(self, bucket: str) -> str:
        urlopen(Request(f"{self.url}/{bucket}", method="PUT")).close()
        return f"s3://{bucket}"

    def empty(self) -> None:
        urlopen(Request(f"{self.url}/moto-api/reset", method="POST")).close()
        self.asked.clear()
        self.fails = lambda _: False


@pytest.fixture(scope="session")
def server() -> Iterator[Store]:
    inner, store = DomainDispatcherApplication(create_backend_app), Store()

    def planted(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        store.asked.append(request)
        if store.fails(request):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [b"<Error><Code>InternalError</Code></Error>"]
        answer: Iterable[bytes] = inner(environ, start)
        return answer

    running = make_server("127.0.0.1", 0, planted, threaded=True, request_handler=Quiet)
    store.url = f"http://127.0.0.1:{running.server_port}"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield store
    running.shutdown()
    running.server_close()


@pytest.fixture
def store(server: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty server that the standard variables lead to."""
    server.empty()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "their-secret-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return server
