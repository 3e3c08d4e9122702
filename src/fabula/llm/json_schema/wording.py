"""Describes values, schemas and replies in words, for models and messages."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

SHOWN = 120
"""Maximum characters that a message quotes of a reply."""


def as_json(value: Any) -> str:
    """Any value as one line of JSON; objects without a JSON form become text."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def in_words(schema: Mapping[str, Any]) -> str:
    """A value's type and bounds in words; nested types as JSON Schema."""
    if "enum" in schema:
        return "one of " + ", ".join(as_json(value) for value in schema["enum"])
    kind = schema.get("type")
    if not isinstance(kind, str) or kind in ("object", "array"):
        return as_json({key: value for key, value in schema.items() if key != "title"})
    words = [f"{kind}, {schema['format']}" if "format" in schema else kind]
    words += [f"{_BOUNDS[key]} {value}" for key, value in schema.items() if key in _BOUNDS]
    return ", ".join(words)


_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "multipleOf": "a multiple of",
    "pattern": "matching the pattern",
    "minLength": "characters at least",
    "maxLength": "characters at most",
}


_USUAL = re.compile(r"from (-?\d[\d.e+-]*) to (-?\d[\d.e+-]*) so far")


def usual_range(description: str) -> tuple[float, float] | None:
    """The range of earlier numbers in a description."""
    found = _USUAL.search(description)
    return (float(found[1]), float(found[2])) if found else None


def fitting(lines: Iterable[str], length: int) -> list[str]:
    """As many lines as fit into a number of characters, but at least one."""
    fit: list[str] = []
    for line in lines:
        length -= len(line)
        if length < 0 and fit:
            break
        fit.append(line)
    return fit


def with_text(problem: str, text: str) -> str:
    """A problem and the start of the text that shows it."""
    start = " ".join(text.split())[:SHOWN]
    return f"{problem}: {start}" if start else problem
