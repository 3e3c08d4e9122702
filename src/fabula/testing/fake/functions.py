"""Functions that the `fake` model writes for columns: they draw from the examples, or make up."""

from __future__ import annotations

import json

_MADE_UP = {
    "str": 'f"made up {i}"',
    "int": "int(i)",
    "float": "i / 2",
    "bool": "bool(i % 2)",
    "date": "dt.date(2024, 1, 1) + dt.timedelta(days=int(i))",
}


def write_function(question: str) -> str:
    """A function for the column that a question describes as JSON."""
    asked = json.loads(question)
    kind, examples = asked["type"], asked.get("examples", [])
    drawn = "dt.date.fromisoformat(examples[i])" if kind == "date" else "examples[i]"
    each, many = (drawn, len(examples)) if examples else (_MADE_UP[kind], 1_000)
    return (
        "```python\nimport datetime as dt\n\n\ndef column(rows, rng):\n"
        f"    examples = {examples!r}\n"
        f"    return [{each} for i in rng.integers(0, {many}, len(rows))]\n```"
    )
