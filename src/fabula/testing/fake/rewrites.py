"""What the `fake` model writes where a text is to be rewritten, compared or refused, and judges."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from fabula.llm.json_schema.words import WORDS

_GIVEN = re.compile(r"^The given (?:text|answer): (\".*\")$", re.M)
_JUDGED = re.compile(r"^A (?:question and an|request and its) answer: (\{.*\})$", re.M)
_LENGTH = re.compile(r"It has (\d+) to (\d+) characters")
_OPENINGS = (
    "Put another way:", "To say it once more:", "Here is the same in short:", "Said differently:",
)  # fmt: skip
_WORSE, _DECLINED = "…", "I can't help with that"


def is_rewritten(value: dict[str, Any]) -> bool:
    """Whether fields are those of a rewrite or of a verdict about one."""
    return "text" in value or "score" in value or "harms" in value


def rewritten(rng: random.Random, prompt: str, value: dict[str, Any]) -> dict[str, Any]:
    """A text near the given one, or a verdict that agrees with what the fake model writes."""
    judged = _JUDGED.search(prompt)
    if judged is not None:
        answer = str(json.loads(judged[1])["answer"])
        declined = answer.startswith(_DECLINED)
        verdict = {"score": 2 if answer.endswith(_WORSE) else 5, "breaks": declined,
                   "refuses": declined, "harms": False}  # fmt: skip
        return {name: verdict.get(name, item) for name, item in value.items()}
    given = _GIVEN.findall(prompt)
    if not given or "text" not in value:
        return value
    text = str(json.loads(given[-1]))
    length = _LENGTH.search(prompt)
    if length is not None:
        size = (int(length[1]) + int(length[2])) // 2
        padded = f"{text} {' '.join(rng.choices(WORDS['thing'], k=size // 3 + 1))}"
        return {**value, "text": padded[: max(1, size - 1)].rstrip() + _WORSE}
    new = f"{rng.choice(_OPENINGS)} {text} ({rng.choice(WORDS['thing'])})"
    if "answer" in value and "The rule: " in prompt:
        allowed = "is allowed by it" in prompt
        answer = "Yes, here is how." if allowed else f"{_DECLINED}, as our rules don't allow it."
        return {**value, "text": new, "answer": answer}
    return {**value, "text": new}
