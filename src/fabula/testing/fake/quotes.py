"""How the `fake` model agrees: it quotes passages, and passes all that it is to judge."""

from __future__ import annotations

import random
import re
from typing import Any

_PASSAGE = re.compile(r"^<passage \d+: [^\n]*>\n(.*?)\n</passage>$", re.M | re.S)
_SENTENCE = re.compile(r"\S(?:.{11,}?[.!?](?=\s|$)|.*$)", re.S)


def approving(schema: Any) -> Any:
    """A judge's schema with the best grade, or yes, as the only answer.

    Grades by chance would refuse most rows of a trial, and say nothing about them.
    """
    if isinstance(schema, list):
        return [approving(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "boolean":
        return {"const": True}
    if schema.get("type") == "integer" and "maximum" in schema:
        return {"const": schema["maximum"]}
    return {name: each if name == "row" else approving(each) for name, each in schema.items()}


def quoted(rng: random.Random, prompt: str, value: dict[str, Any]) -> dict[str, Any]:
    """A made-up answer about passages, with quotes that stand in them."""
    if "is_right" in value:
        return {**value, "is_right": True}
    if "Leave `answer` and `quotes` empty" in prompt:
        return {**value, "answer": "", "quotes": []}
    quotes = []
    for passage in _PASSAGE.findall(prompt):
        found = _SENTENCE.findall(passage)
        sentences = [each for each in found if sum(map(str.isalpha, each)) >= 12]
        quotes.append(rng.choice(sentences) if sentences else passage)
    return {**value, "answer": quotes[0], "quotes": quotes} if quotes else value
