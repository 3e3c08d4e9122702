"""What the tests of the row loop build with: jobs, and scripts that answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from fabula.llm.rows.job import RowField, RowsJob
from fabula.testing import Call

NAME = RowField("name", {"type": "string", "maxLength": 40}, "product name")
PRICE = RowField("price", {"type": "number", "minimum": 1, "maximum": 500}, "in euros")
STOCK = RowField("stock", {"type": "integer", "minimum": 0}, "pieces")

_MANY = re.compile(r"Write exactly (\d+) rows")
_FIRST = re.compile(r"the rows (\d+) to")


def shop(n: int, **rest: Any) -> RowsJob:
    """A job for products."""
    return RowsJob("an online shop", rest.pop("fields", (NAME, PRICE)), n, **rest)


def product(number: int) -> dict[str, Any]:
    return {"name": f"Product {number}", "price": number % 400 + 1.5}


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    """Rows in the wrapper that the prompt asks for."""
    return {"rows": list(rows)}


def asked_rows(call: Call) -> int:
    """How many rows a request asks for."""
    found = _MANY.search(call.prompt)
    return int(found[1]) if found else 1


def always_new() -> Callable[[Call], str]:
    """A script that answers every request with as many new products as it asks for."""
    made = 0

    def answer(call: Call) -> str:
        nonlocal made
        wanted = asked_rows(call)
        rows = [product(number) for number in range(made, made + wanted)]
        made += wanted
        return json.dumps({"rows": rows} if wanted > 1 else rows[0])

    return answer


def by_place(call: Call) -> str:
    """A script whose answer depends on the request alone, so that timing can't matter."""
    wanted = asked_rows(call)
    found = _FIRST.search(call.prompt)
    first = int(found[1]) if found else sum(call.prompt.encode())
    rows = [product(first + place) for place in range(wanted)]
    return json.dumps({"rows": rows} if wanted > 1 else rows[0])
