"""Inside the sandbox: runs a solution against its tests, or for its result."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from fabula.sandbox.child import Emit
from fabula.sandbox.tracebacks import compiled


def test(request: Mapping[str, Any], _tables: Mapping[str, pa.Table], _emit: Emit) -> Any:
    """Run the statements of tests, and their functions `test_…`, on a solution."""
    names: dict[str, Any] = {"__name__": "program"}
    exec(compiled(request["source"]), names)
    exec(compiled(request["tests"]), names)
    named = [names[name] for name in sorted(names) if name.startswith("test_")]
    for function in filter(inspect.isfunction, named):
        function()
    return {"passed": request["token"]}


def compute(request: Mapping[str, Any], _tables: Mapping[str, pa.Table], _emit: Emit) -> Any:
    """The value that a program leaves under `result`."""
    names: dict[str, Any] = {"__name__": "program"}
    exec(compiled(request["source"]), names)
    return {"result": str(names["result"])}
