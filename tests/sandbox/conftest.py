"""A world to attack: secrets, a process, sockets; and the check that nothing is left of a run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.naive import tree

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]

CALLS = ("clone", "clone3", "process_vm_readv", "io_uring_setup", "keyctl")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a program may want to reach, as JSON values."""
    from pyseccomp import Arch, resolve_syscall

    monkeypatch.setenv("FABULA_TEST_SECRET_API_KEY", "sk-not-for-you")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_rsa").write_text("a key")
    (home / "secret").write_text("a secret")
    name = f"fabula-{os.getpid()}"
    victim = subprocess.Popen(["sleep", "60"])
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        local.bind(str(home / "socket"))
        local.listen()
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield {
            "home": str(home),
            "secret": str(home / "secret"),
            "socket": str(home / "socket"),
            "name": name,
            "port": server.getsockname()[1],
            "parent": os.getpid(),
            "victim": victim.pid,
            "calls": {call: resolve_syscall(Arch.NATIVE, call) for call in CALLS},
        }
    victim.kill()
    victim.wait()


@pytest.fixture(autouse=True)
def nothing_outlives_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After each test: no process under the warm one, no folder of a run."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    from fabula.sandbox import fork_server

    assert not list(scratch.iterdir())
    if fork_server._current is not None:
        warm = fork_server._current._process.pid
        relays = _space(warm, "pid") != _space(warm, "pid_for_children")  # to its only child
        assert len(tree(warm)) == 1 + relays


def _space(process: int, kind: str) -> str:
    return str(Path(f"/proc/{process}/ns/{kind}").readlink())
