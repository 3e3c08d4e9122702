"""What the acceptance tests build with: a model at a scripted server, and scripts that answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from fabula.spec.tables import ModelSpec
from fabula.testing import Call, ChatServer

_MANY = re.compile(r"Write exactly (\d+) rows")
_KNOWN = re.compile(r"Known values of the rows?:\s*\n?(.*?)(?:\n\n|\Z)", re.S)


def at(server: ChatServer, name: str = "m", **settings: Any) -> ModelSpec:
    """The settings of a model at a scripted server."""
    return ModelSpec(name=name, base_url=server.url, **settings)


def asked_rows(call: Call) -> int:
    """How many rows a request asks for."""
    found = _MANY.search(call.prompt)
    return int(found[1]) if found else 1


def known_rows(call: Call) -> list[dict[str, Any]]:
    """The known values of the rows that a request asks for."""
    found = _KNOWN.search(call.prompt)
    assert found is not None, call.prompt
    lines = (re.sub(r"^\d+\. ", "", line) for line in found[1].splitlines() if line.strip())
    return [json.loads(line) for line in lines]


def numbered(make: Callable[[int], Mapping[str, Any]]) -> Callable[[Call], str]:
    """A script that answers each request with as many new rows as it asks for."""
    made = 0

    def answer(call: Call) -> str:
        nonlocal made
        wanted = asked_rows(call)
        rows = [make(number) for number in range(made, made + wanted)]
        made += wanted
        return as_reply(*rows)

    return answer


def as_reply(*rows: Mapping[str, Any]) -> str:
    """Rows in the shape that the prompt asks for: one object, or several under `rows`."""
    return json.dumps(rows[0] if len(rows) == 1 else {"rows": rows}, ensure_ascii=False)
