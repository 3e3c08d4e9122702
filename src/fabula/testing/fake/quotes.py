"""What the `fake` model says about passages: it quotes their first sentences, and agrees."""

from __future__ import annotations

import random
import re
from typing import Any

_PASSAGE = re.compile(r"^<passage \d+: [^\n]*>\n(.*?)\n</passage>$", re.M | re.S)
_SENTENCE = re.compile(r"\S(?:.{11,}?[.!?](?=\s|$)|.*$)", re.S)


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
