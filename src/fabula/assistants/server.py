"""The server that assistants talk to: the Model Context Protocol over stdin and stdout."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from pydantic import Field

from fabula.assistants.bounds import Bounds

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

Spec = Annotated[str, Field(description="A spec: YAML, JSON, one line, or a file of the folder")]
Rows = Annotated[
    int | dict[str, int] | None, Field(description="Rows of the only table, or by table")
]
Seed = Annotated[int | None, Field(description="Overrides the spec's seed")]


def server(root: Path, bounds: Bounds) -> MCPServer:
    """A server whose tools work in one folder, within bounds."""
    served = MCPServer("fabula", instructions=_INSTRUCTIONS, version=version("fabula"))
    looks = ToolAnnotations(read_only_hint=True, open_world_hint=bounds.allow_model)
    makes = ToolAnnotations(
        read_only_hint=False, destructive_hint=False, open_world_hint=bounds.allow_model
    )

    async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        call = {"tool": tool, "arguments": given, "bounds": asdict(bounds)}
        return await asyncio.to_thread(answered, call, root, bounds)

    @served.tool(annotations=looks)
    async def schema(
        part: Annotated[str, Field(description="A part of the schema by its name")] = "",
    ) -> dict[str, Any]:
        """The JSON Schema of specs, or one part of it."""
        return await ask("schema", part=part)

    @served.tool(annotations=looks)
    async def kinds(
        kind: Annotated[str, Field(description="The kind to explain")] = "",
    ) -> dict[str, Any]:
        """List the column kinds, or explain one with its parameters and an example."""
        return await ask("kinds", kind=kind)

    @served.tool(annotations=looks)
    async def validate(spec: Spec) -> dict[str, Any]:
        """Tell whether a spec is coherent: every problem at once, with its line and what to do."""
        return await ask("validate", spec=spec)

    @served.tool(annotations=looks)
    async def plan(spec: Spec, rows: Rows = None) -> dict[str, Any]:
        """Show what a run would do and cost; makes nothing."""
        return await ask("plan", spec=spec, rows=rows)

    @served.tool(annotations=looks)
    async def preview(
        spec: Spec,
        rows: Annotated[int, Field(ge=1, le=50, description="Rows of each table")] = 5,
        seed: Seed = None,
    ) -> dict[str, Any]:
        """Make a few rows of each table; writes nothing."""
        return await ask("preview", spec=spec, rows=rows, seed=seed)

    @served.tool(annotations=makes)
    async def generate(
        spec: Spec,
        folder: Annotated[str, Field(description="A new folder, such as `out`")],
        rows: Rows = None,
        seed: Seed = None,
        format: Literal["parquet", "csv", "jsonl", "arrow"] = "parquet",  # noqa: A002
    ) -> dict[str, Any]:
        """Generate the tables into a folder, check them, and write the manifest."""
        return await ask("generate", spec=spec, folder=folder, rows=rows, seed=seed, format=format)

    @served.tool(annotations=looks)
    async def evaluate(
        data: Annotated[str, Field(description="A file or a folder of synthetic data")],
        real: Annotated[str, Field(description="A file or a folder of real data")] = "",
        gates: Annotated[bool, Field(description="Hold each metric against its bound")] = False,
    ) -> dict[str, Any]:
        """Measure how realistic, private, fair and diverse data is."""
        return await ask("evaluate", data=data, real=real, gates=gates)

    return served


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
