"""Scripts and jobs of the acceptance tests of `describe` and `extract`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import fabula as fb
from fabula.spec.tables import ModelSpec
from fabula.testing import Call
from tests.acceptance.kinds import Thing, thing

Make = Callable[..., list[dict[str, Any]]]

_FACTS = re.compile(r"Facts as JSON: (.+)")
_TEXT = re.compile(r"Text as JSON: (.+)")


def facts_of(call: Call) -> Any:
    """The facts that a request asks to be told."""
    found = _FACTS.search(call.prompt)
    assert found is not None, call.prompt
    return json.loads(found[1])


def text_of(call: Call) -> str:
    """The text that a request asks to be read."""
    found = _TEXT.search(call.prompt)
    assert found is not None, call.prompt
    text: str = json.loads(found[1])
    return text


def reads(call: Call) -> bool:
    """Whether a request asks for a text to be read."""
    return "Text as JSON: " in call.prompt


def told(facts: Any) -> str:
    """A plain text that tells facts; `understood` reads it back."""
    if isinstance(facts, Mapping):
        return " and ".join(f"{name} is {told(value)}" for name, value in facts.items())
    return ", ".join(map(told, facts)) if isinstance(facts, list) else str(facts)


def honest(call: Call) -> str:
    """Tells things, and reads what it told."""
    if not reads(call):
        return told(facts_of(call))
    found = re.fullmatch(r"name is (.+) and price is (.+)", text_of(call))
    assert found is not None
    return json.dumps({"name": found[1], "price": float(found[2])})


def sentences(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """Texts about n things; the things of those that came."""
    things = [thing(number) for number in range(n)]
    return [dict(each["fields"]) for each in fb.describe(things, model=model, **limits)]


def extraction(model: ModelSpec, n: int, **limits: Any) -> list[dict[str, Any]]:
    """Things out of n texts."""
    texts = [told(thing(number)) for number in range(n)]
    return [each.model_dump() for each in fb.extract(texts, Thing, model=model, **limits)]


KINDS: dict[str, Make] = {"sentences": sentences, "extraction": extraction}


def good_rows(error: Any) -> int:
    """How many good rows an error says were made before it."""
    rows = getattr(error, "rows", None) or ()
    return sum(row is not None and not (isinstance(row, dict) and "error" in row) for row in rows)
