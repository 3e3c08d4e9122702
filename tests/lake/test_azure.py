"""Azure's object store, against what its client asks of a server on this machine."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pyarrow as pa
import pytest

from fabula.errors import SinkError
from fabula.io.sources import read_tables
from fabula.lake.bucket import bucket_at
from fabula.runs.dataset import Dataset

HOMES = pa.table({"n": [1, 2, 3], "city": ["Wien", None, "Graz"]})
KEY = base64.b64encode(b"a secret").decode()
Answer = tuple[int, bytes, dict[str, str]]


class Azure(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    blocks: dict[tuple[str, str], bytes]
    committed: list[str]
    refused = 0
    """Writes of blocks that are answered with an error yet."""

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        assert (self.headers["Authorization"] or "").startswith("SharedKey dev:")
        query = {
            name: values[0]
            for name, values in parse_qs(address.query, keep_blank_values=True).items()
        }
        account, _, place = unquote(address.path).lstrip("/").partition("/")
        container, _, name = place.partition("/")
        assert account == "dev"
        status, content, headers = self.answer(container, name, query, body)
        self.send_response(status)
        headers = {"x-ms-request-id": "1", "x-ms-version": "2024-11-04"} | headers
        for header, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def answer(self, container: str, name: str, query: dict[str, str], body: bytes) -> Answer:
        if query.get("action") == "getAccessControl":  # a store without folders of its own
            return 400, b"", {"x-ms-error-code": "BadRequest"}
        if container != "shop":
            return self.missing("ContainerNotFound")
        if query.get("comp") == "list":
            return 200, self.listed(query), {"Content-Type": "application/xml"}
        if not name:
            return 200, b"", self.facts(b"") | {"Content-Length": "0"}
        if self.command == "PUT":
            return self.put(name, query, body)
        if name not in self.objects:
            return self.missing("BlobNotFound")
        if self.command == "DELETE":
            del self.objects[name]
            return 202, b"", {"x-ms-delete-type-permanent": "true"}
        return self.read(self.objects[name])

    def put(self, name: str, query: dict[str, str], body: bytes) -> Answer:
        made = {**self.facts(b""), "x-ms-request-server-encrypted": "true"}
        if query.get("comp") == "lease":
            return 201, b"", made | {"x-ms-lease-id": self.headers["x-ms-proposed-lease-id"]}
        if query.get("comp") == "block":
            if Azure.refused:
                Azure.refused -= 1
                return 503, b"", {"x-ms-error-code": "ServerBusy"}
            self.blocks[name, query["blockid"]] = body
            return 201, b"", made
        if query.get("comp") == "blocklist":
            listed = re.findall(r"<(?:Latest|Committed|Uncommitted)>([^<]+)<", body.decode())
            body = b"".join(self.blocks[name, block] for block in listed)
        self.objects[name] = body
        self.committed.append(name)
        return 201, b"", made

    def read(self, data: bytes) -> Answer:
        facts = self.facts(data)
        asked = self.headers.get("x-ms-range") or self.headers.get("Range") or ""
        wanted = re.match(r"bytes=(\d+)-(\d*)", asked)
        if self.command == "HEAD" or not wanted:
            return 200, data, facts
        first = int(wanted[1])
        part = data[first : int(wanted[2]) + 1] if wanted[2] else data[first:]
        span = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
        return 206, part, facts | {"Content-Range": span}

    def listed(self, query: dict[str, str]) -> bytes:
        start, cut = query.get("prefix", ""), query.get("delimiter", "")
        folders, items = set[str](), []
        for name, data in sorted(self.objects.items()):
            if not name.startswith(start):
                continue
            inner, found, _ = name[len(start) :].partition(cut) if cut else (name, "", "")
            if found:
                folders.add(start + inner + cut)
            else:
                items.append(
                    f"<Blob><Name>{name}</Name><Properties><Last-Modified>{formatdate(usegmt=True)}"
                    f"</Last-Modified><Etag>1</Etag><Content-Length>{len(data)}</Content-Length>"
                    "<BlobType>BlockBlob</BlobType></Properties></Blob>"
                )
        items += [f"<BlobPrefix><Name>{name}</Name></BlobPrefix>" for name in sorted(folders)]
        told = "".join(items)
        return (
            '<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>'
            f"{told}</Blobs><NextMarker/></EnumerationResults>"
        ).encode()

    def missing(self, code: str) -> Answer:
        told = f"<Error><Code>{code}</Code><Message>not there</Message></Error>".encode()
        return 404, told, {"x-ms-error-code": code, "Content-Type": "application/xml"}

    def facts(self, data: bytes) -> dict[str, str]:
        return {
            "ETag": '"1"', "Last-Modified": formatdate(usegmt=True), "x-ms-blob-type": "BlockBlob",
            "x-ms-creation-time": formatdate(usegmt=True), "x-ms-server-encrypted": "true",
            "x-ms-lease-state": "available", "x-ms-lease-status": "unlocked",
            "x-ms-has-immutability-policy": "false", "x-ms-has-legal-hold": "false",
            "Content-Type": "application/octet-stream", "Content-Length": str(len(data)),
        }  # fmt: skip

    def log_message(self, *_: object) -> None:
        """Say nothing."""


for method in ("GET", "PUT", "HEAD", "DELETE", "POST"):
    setattr(Azure, f"do_{method}", Azure.respond)


@pytest.fixture
def store() -> Iterator[str]:
    """The address of an empty store with the container `shop`, up to the container."""
    Azure.objects, Azure.blocks, Azure.committed, Azure.refused = {}, {}, [], 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Azure)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"az://dev:{quote(KEY, safe='')}@127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_tables_go_to_azure_and_come_back(store: str) -> None:
    place = f"{store}/shop/2024?enable_tls=false"
    Dataset({"homes": HOMES, "pets": HOMES[:1]}).write(place)
    assert Azure.committed[-1] == "2024/manifest.json"
    back = {name: rows.to_table() for name, rows in read_tables(place).items()}
    assert back == {"homes": HOMES, "pets": HOMES[:1]}
    with pytest.raises(SinkError, match="holds tables"):
        Dataset({"homes": HOMES}).write(place)
    Dataset({"homes": HOMES[:2]}).write(place, overwrite=True)
    assert [rows.to_table() for rows in read_tables(place).values()] == [HOMES[:2]]
    assert sum(name.endswith(".parquet") for name in Azure.objects) == 1


def test_a_block_that_is_refused_is_sent_again(store: str) -> None:
    place = f"{store}/shop/2024?enable_tls=false"
    Azure.refused = 1
    Dataset({"homes": HOMES}).write(place)
    assert Azure.refused == 0
    assert [rows.to_table() for rows in read_tables(place).values()] == [HOMES]


def test_a_container_of_azure_that_is_not_there_is_named(store: str) -> None:
    with pytest.raises(SinkError, match="there is no bucket `nowhere`") as refused:
        Dataset({"homes": HOMES}).write(f"{store}/nowhere/x?enable_tls=false")
    assert KEY not in str(refused.value)


def test_the_settings_of_azures_own_tools_are_taken(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection string alone; or a key for the account that an address names."""
    server = store.partition("@")[2]
    text = f"AccountName=dev;AccountKey={KEY};BlobEndpoint=http://{server}/dev"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    Dataset({"homes": HOMES}).write("az://shop/mine")
    assert [rows.to_table() for rows in read_tables("az://shop/mine").values()] == [HOMES]
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)
    place = f"az://dev@{server}/shop/mine?enable_tls=false"
    assert [rows.to_table() for rows in read_tables(place).values()] == [HOMES]


def test_an_address_may_name_account_and_container() -> None:
    for place in (
        "abfss://shop@data.dfs.core.windows.net/2024",
        "az://data.blob.core.windows.net/shop/2024",
    ):
        bucket = bucket_at(place)
        assert (bucket.files.type_name, bucket.root) == ("abfs", "shop/2024")
