"""The plainest entry function: runs source text as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from fabula.sandbox.child import Emit
from fabula.sandbox.tracebacks import compiled


def execute(
    request: Mapping[str, Any], tables: Mapping[str, pa.Table], emit: Emit
) -> Mapping[str, Any]:
    """Run `request["source"]` and give what it leaves in `notes`."""
    names: dict[str, Any] = {
        "__name__": "__main__",
        "request": request.get("values"),
        "tables": tables,
        "emit": emit,
        "notes": {},
    }
    exec(compiled(request["source"]), names)
    return dict(names["notes"])
