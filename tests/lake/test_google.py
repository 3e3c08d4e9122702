"""Google's object store, against what its client asks of a server on this machine."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
import pytest

from fabula.errors import SinkError
from fabula.io.sources import read_tables
from fabula.runs.dataset import Dataset

HOMES = pa.table({"n": [1, 2, 3], "city": ["Wien", None, "Graz"]})
TIME = "2026-01-01T00:00:00Z"


class Google(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    uploads: list[str]

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        status, answer, headers = self.answer(address.path, dict(parse_qsl(address.query)), body)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def answer(
        self, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        if path.startswith("/upload/") and self.command == "POST":
            self.uploads.append(query["name"])
            place = f"http://{self.headers['Host']}/upload/?upload_id={len(self.uploads) - 1}"
            return 200, {}, {"Location": place}
        if path.startswith("/upload/"):
            name = self.uploads[int(query["upload_id"])]
            self.objects[name] = body
            return 200, self.facts(name), {}
        if path == "/storage/v1/b/shop":
            return 200, {"name": "shop", "updated": TIME, "timeCreated": TIME}, {}
        if path == "/storage/v1/b/shop/o":
            start = query.get("prefix", "")
            found = [self.facts(name) for name in sorted(self.objects) if name.startswith(start)]
            return 200, {"items": found}, {}
        name = unquote(path.removeprefix("/storage/v1/b/shop/o/"))
        if name not in self.objects:
            return 404, {"error": {"code": 404, "message": "not found"}}, {}
        if self.command == "DELETE":
            del self.objects[name]
            return 204, b"", {}
        if query.get("alt") != "media":
            return 200, self.facts(name), {}
        wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        data, first = self.objects[name], int(wanted[1]) if wanted else 0
        part = data[first : int(wanted[2]) + 1] if wanted and wanted[2] else data[first:]
        span = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
        return 206 if wanted else 200, part, {"x-goog-generation": "1", "Content-Range": span}

    def facts(self, name: str) -> dict[str, str]:
        size = str(len(self.objects[name]))
        return {
            "name": name, "bucket": "shop", "size": size, "generation": "1",
            "metageneration": "1", "updated": TIME, "timeCreated": TIME,
        }  # fmt: skip

    def log_message(self, *_: object) -> None:
        """Say nothing."""


for method in ("GET", "POST", "PUT", "DELETE"):
    setattr(Google, f"do_{method}", Google.respond)


@pytest.fixture
def options() -> Iterator[str]:
    """What an address adds to reach an empty server with the bucket `shop`."""
    Google.objects, Google.uploads = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    yield f"?endpoint_override={host}&scheme=http&retry_limit_seconds=3"
    server.shutdown()
    server.server_close()


def test_tables_go_to_google_and_come_back(options: str) -> None:
    place = f"gs://anonymous@shop/2024{options}"
    Dataset({"homes": HOMES, "pets": HOMES[:1]}).write(place)
    assert Google.uploads[-1] == "2024/manifest.json"
    back = {name: rows.to_table() for name, rows in read_tables(place).items()}
    assert back == {"homes": HOMES, "pets": HOMES[:1]}
    with pytest.raises(SinkError, match="holds tables"):
        Dataset({"homes": HOMES}).write(place)
    Dataset({"homes": HOMES[:2]}).write(place, overwrite=True)
    assert [rows.to_table() for rows in read_tables(place).values()] == [HOMES[:2]]
    assert sum(name.endswith(".parquet") for name in Google.objects) == 1


def test_a_bucket_of_google_that_is_not_there_is_named(options: str) -> None:
    with pytest.raises(SinkError, match="there is no bucket `nowhere`"):
        Dataset({"homes": HOMES}).write(f"gs://anonymous@nowhere/x{options}")
