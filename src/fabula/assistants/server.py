"""The server that assistants talk to: the Model Context Protocol over stdin and stdout."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

from fabula.assistants.bounds import Bounds
from fabula.assistants.tools import LOOKS, TOOLS, Tools

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""Variables that a call may see: none of them is secret."""

_INSTRUCTIONS = """\
Fabula makes synthetic data from a spec in YAML. Call `kinds` for the kinds of columns, write a
spec, call `validate` until it is valid, look at `preview`, then `generate` into a folder and
`evaluate` it. A small spec:

name: shop
tables:
  customers:
    n: 100
    columns:
      id: {kind: key}
      country: {kind: choice, values: {AT: 3, DE: 1}}
  orders:
    n: 500
    columns:
      id: {kind: key}
      customer_id: {kind: reference, to: customers.id}
      total: {kind: lognormal, median: 40, sigma: 1}
    checks:
      - {kind: range, column: total, min: 0}
"""


def server(root: Path, bounds: Bounds) -> MCPServer:
    """A server whose tools work in one folder, within bounds."""
    served = MCPServer("fabula", instructions=_INSTRUCTIONS, version=version("fabula"))
    for name in TOOLS:
        hints = ToolAnnotations(
            read_only_hint=name in LOOKS,
            destructive_hint=False,
            open_world_hint=bounds.allow_model,
        )
        served.tool(annotations=hints)(_asked(getattr(Tools(root, bounds), name), root, bounds))
    return served


def _asked(tool: Callable[..., Any], root: Path, bounds: Bounds) -> Callable[..., Any]:
    """A tool with its signature, whose calls are answered by processes of their own."""

    @wraps(tool)
    async def ask(**arguments: Any) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        call = {"tool": tool.__name__, "arguments": given, "bounds": asdict(bounds)}
        return await asyncio.to_thread(answered, call, root, bounds)

    return ask


def answered(call: dict[str, Any], root: Path, bounds: Bounds) -> dict[str, Any]:
    """The answer of a process of its own, which ends when its time is over."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    environment = dict(os.environ) if bounds.allow_model else kept
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "fabula.assistants.tools"],  # imports nothing of the folder
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            found, _ = process.communicate(json.dumps(call).encode(), bounds.max_seconds)
            answer: dict[str, Any] = json.loads(found)
            return answer
        except subprocess.TimeoutExpired:
            return _failed(f"the call took more than {bounds.max_seconds:,} seconds", "usage.time")
        except ValueError:
            return _failed("the call ended without an answer: it used too much", "usage.too-many")
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _failed(message: str, code: str) -> dict[str, Any]:
    return {"problems": [{"code": code, "message": message, "hint": "ask for fewer rows"}]}
