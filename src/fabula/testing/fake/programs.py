"""Programs and specs of the `fake` model: the plainest ones that fit what is asked.

They let `fabula program` and `fabula init --prompt` be tried out offline; what they make has the
right shape and no sense.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

TABLES_MARK = "The tables as JSON:\n"
"""After these words a request for a program lists its tables."""

_HEAD = "import numpy as np\nimport pandas as pd\n\n"
_SPEC = {
    "name": "things",
    "tables": {
        "things": {
            "n": 10,
            "columns": {"id": {"kind": "key"}, "weight": {"kind": "uniform", "min": 1, "max": 9}},
        }
    },
}
_VALUES = {
    "whole number": "rng.integers(1, 100, n)",
    "number": "rng.uniform(1, 100, n).round(2)",
    "true or false": "rng.random(n) < 0.5",
    "date": "pd.Timestamp(2024, 1, 1) + pd.to_timedelta(rng.integers(0, 365, n), unit='D')",
    "date and time": "pd.Timestamp(2024, 1, 1) + pd.to_timedelta(rng.random(n), unit='D')",
}


def fake_spec() -> str:
    """A spec of one small table."""
    return json.dumps(_SPEC)


def fake_program(prompt: str) -> str:
    """A reply with a program for the tables that a request lists; without a list, for one."""
    _, found, rest = prompt.partition(TABLES_MARK)
    tables: Mapping[str, Any] = {"things": {"columns": {"id": {"kind": "key"}, "name": {}}}}
    if found:
        tables, _ = json.JSONDecoder().raw_decode(rest)
    rows = {name: table.get("rows", 100) for name, table in tables.items()}
    parts = [
        f"{_HEAD}ROWS = {rows!r}\nSEED = 0\nrng = np.random.default_rng(SEED)\ntables = {{}}\n"
    ]
    for name in _parents_first(tables):
        parts += _table(name, tables[name]["columns"], tables)
    code = "".join(parts)
    return f"Every value is made up without sense.\n\n```python\n{code}```\n"


def _table(name: str, columns: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterator[str]:
    yield f"\nn = ROWS[{name!r}]\ntables[{name!r}] = pd.DataFrame({{\n"
    for column, told in columns.items():
        yield f"    {column!r}: {_values(column, told, tables)},\n"
    yield "})\n"


def _values(column: str, told: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    """An expression for the values of a column."""
    kind, values = told.get("kind"), told.get("values")
    if kind == "key":
        start, step = told.get("start", 1), told.get("step", 1)
        return f"{start} + {step} * np.arange(n)"
    if kind == "reference":
        parent, _, key = told["to"].partition(".")
        key = key or next(iter(tables.get(parent, {}).get("primary_key", ["id"])))
        return f"rng.choice(tables[{parent!r}][{key!r}], n)"
    if values:
        return f"rng.choice({list(values)!r}, n)"
    made = _VALUES.get(told.get("type", ""))
    return made or f"[{column + ' '!r} + str(i) for i in range(1, n + 1)]"


def _parents_first(tables: Mapping[str, Any]) -> Iterator[str]:
    left = list(tables)
    while left:
        ready = next((name for name in left if not _waits(name, tables, left)), left[0])
        left.remove(ready)
        yield ready


def _waits(name: str, tables: Mapping[str, Any], left: list[str]) -> bool:
    links = (column.get("to", "").partition(".")[0] for column in tables[name]["columns"].values())
    return any(parent in left and parent != name for parent in links)
