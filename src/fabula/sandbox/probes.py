"""Tries the walls in a real child before the first program runs: each probe must be refused."""

from __future__ import annotations

import os
import resource
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.sandbox.child import Emit
from fabula.sandbox.fork_server import Template
from fabula.sandbox.outcome import Limits
from fabula.sandbox.supervisor import conduct

LIMITS = Limits(seconds=30, memory=1 << 30, result=1 << 20, disk=1 << 20)


NAMESPACES = {"network": "net", "IPC": "ipc", "users": "user", "processes": "pid"}
"""Namespaces that a child may have of its own, as the kernel calls them."""


def open_walls(template: Template) -> tuple[list[str], list[str]]:
    """What a locked child could do and must not, and which namespaces are its own.

    The first list is empty when the sandbox holds.

    Raises:
        PrerequisiteError: The child could not lock itself.
    """
    with tempfile.NamedTemporaryFile() as outside:
        request = {"outside": outside.name, "parent": os.getpid()}
        entry = f"{__name__}:attempt"
        outcome = conduct(template, entry, request, tables={}, seed=0, limits=LIMITS)
    if outcome.fault is not None:
        return [f"not be tried ({outcome.fault.message})"], []
    own = [name for name, seen in outcome.notes["namespaces"].items() if seen != namespace(name)]
    return list(outcome.notes["done"]), own


def attempt(
    request: Mapping[str, Any], tables: Mapping[str, pa.Table], emit: Emit
) -> Mapping[str, Any]:
    """Inside the child: try what must be refused, and tell what was not."""
    parent = request["parent"]
    attempts: dict[str, Callable[[], object]] = {
        "read a file outside": lambda: os.open(request["outside"], os.O_RDONLY),
        "write a file outside": lambda: os.open(request["outside"], os.O_WRONLY),
        "read its parent's environment": lambda: os.open(f"/proc/{parent}/environ", os.O_RDONLY),
        "open a network socket": socket.socket,
        "open a local socket": lambda: socket.socket(socket.AF_UNIX),
        "start a process": _fork,
        "start a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "signal its parent": lambda: os.kill(parent, 0),
        "set its own limits": _keep_limit,
    }
    del tables, emit
    done = [name for name, action in attempts.items() if _succeeds(action)]
    return {"done": done, "namespaces": {name: namespace(name) for name in NAMESPACES}}


def namespace(name: str) -> str:
    """The namespace of a kind that this process is in, as the kernel names it."""
    try:
        return str(Path(f"/proc/self/ns/{NAMESPACES[name]}").readlink())
    except OSError:
        return ""


def _succeeds(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _keep_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
