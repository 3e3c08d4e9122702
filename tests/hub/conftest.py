"""A Hub on this machine: what the official client asks of it, with repositories in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

TOKEN = "hf_a-token-that-nobody-may-see"


@dataclass
class Repo:
    private: bool
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.parquet lfs\n"})
    commits: int = 1

    @property
    def sha(self) -> str:
        return hashlib.sha1(repr((self.commits, sorted(self.files))).encode()).hexdigest()


@dataclass
class Hub:
    """The state of the server."""

    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fails: str = ""

    def answer(  # noqa: PLR0912
        self, method: str, path: str, body: bytes, token: str
    ) -> tuple[int, Any]:
        """The status and the answer to a request."""
        self.asked.append(f"{method} {path}")
        if self.fails and self.fails in path:
            return 500, {"error": f"broken for {token}"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path.startswith("/blobs/"):
            self.blobs[path.removeprefix("/blobs/")] = body
            return 200, {}
        if path == "/api/repos/create":
            return self._create(json.loads(body), token)
        if path == "/api/repos/delete":
            wanted = json.loads(body)
            self.repos.pop(f"{wanted['organization']}/{wanted['name']}")
            return 200, {}
        found = re.match(r"(?:/api)?/datasets/([^/]+/[^/]+?)(\.git)?(?:/(.*))?$", path)
        repo = self.repos.get(found[1]) if found else None
        if found is None or repo is None or (repo.private and token != TOKEN):
            return 401, {"error": "Repository not found"}
        verb, _, rest = (found[3] or "").partition("/")
        if verb in ("", "revision"):
            return 200, self._info(found[1], repo)
        if verb == "resolve":
            return self._file(repo, rest.partition("/")[2])
        if verb == "tree":
            return 200, self._tree(repo, rest.partition("/")[2])
        if token != TOKEN:
            return 403, {"error": "the token may not write"}
        if verb == "preupload":
            return 200, {"files": [self._mode(file["path"]) for file in json.loads(body)["files"]]}
        if verb == "info":
            objects = json.loads(body)["objects"]
            return 200, {"objects": [self._upload(each) for each in objects]}
        if verb == "commit":
            return self._commit(repo, [json.loads(line) for line in body.splitlines() if line])
        return 404, {"error": path}

    def _create(self, wanted: dict[str, Any], token: str) -> tuple[int, Any]:
        if token != TOKEN:
            return 401, {"error": "no token"}
        name = f"{wanted['organization']}/{wanted['name']}"
        private = wanted.get("private", wanted.get("visibility") == "private")
        self.repos[name] = Repo(private)
        return 200, {"url": f"{self.url}/datasets/{name}", "id": name, "name": name}

    def _info(self, name: str, repo: Repo) -> dict[str, Any]:
        text = repo.files.get("README.md", b"").decode()
        card = yaml.safe_load(text.split("---")[1]) if text.startswith("---") else None
        files = [{"rfilename": file} for file in repo.files]
        facts = {"id": name, "private": repo.private, "sha": repo.sha, "siblings": files}
        return {**facts, **({"cardData": card} if card else {})}

    def _tree(self, repo: Repo, folder: str) -> list[dict[str, Any]]:
        """What is right in a folder."""
        start = f"{folder}/" if folder else ""
        inner = {name.removeprefix(start): name for name in repo.files if name.startswith(start)}
        folders = {name.partition("/")[0] for name in inner if "/" in name}
        files = [
            (start + name, repo.files[full]) for name, full in inner.items() if "/" not in name
        ]
        return [
            *({"type": "directory", "path": start + name, "oid": "0" * 40} for name in folders),
            *(
                {"type": "file", "path": name, "size": len(data), "oid": "1" * 40}
                for name, data in files
            ),
        ]

    def _file(self, repo: Repo, name: str) -> tuple[int, Any]:
        return (200, repo.files[name]) if name in repo.files else (404, {"error": "no file"})

    def _mode(self, path: str) -> dict[str, Any]:
        mode = "lfs" if path.endswith(".parquet") else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def _upload(self, wanted: dict[str, Any]) -> dict[str, Any]:
        href = f"{self.url}/blobs/{wanted['oid']}"
        return {**wanted, "actions": {"upload": {"href": href, "header": {}}}}

    def _commit(self, repo: Repo, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        parent = lines[0]["value"].get("parentCommit")
        if parent not in (None, repo.sha):
            return 412, {"error": "the branch has moved"}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repo.files[value["path"]] = self.blobs[value["oid"]]
            else:
                repo.files.pop(value["path"])
        repo.commits += 1
        url = f"{self.url}/datasets/me/any/commit/{repo.sha}"
        return 200, {"success": True, "commitOid": repo.sha, "commitUrl": url}


def handler_of(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(urlsplit(self.path).path)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, answer = hub.answer(self.command, path, body, token)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if isinstance(answer, bytes):
                self.send_header("ETag", f'"{hashlib.sha256(answer).hexdigest()}"')
                self.send_header("X-Repo-Commit", path.split("/resolve/")[1].partition("/")[0])
            if status == 401:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "HEAD", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_any)
    return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """An empty Hub that the standard variables lead to, with a token that may write."""
    from huggingface_hub import constants

    state = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", state.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    yield state
    server.shutdown()
    server.server_close()
