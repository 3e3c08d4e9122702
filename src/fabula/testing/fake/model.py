"""The `fake` model: offline, free and deterministic, for trials, tests and examples.

Takes a request, returns values that fit its schema, chosen by a hash of the request. What it
writes is plausible in form only, so everything made with it is to be marked: its identity is
`fake`.
"""

from __future__ import annotations

import json
import random
import re
from hashlib import blake2b
from typing import Literal

from fabula.llm.client.chat import COLUMN_PROGRAM, VERDICTS, ChatReply, ChatRequest, Usage
from fabula.llm.json_schema.samples import make_value
from fabula.llm.json_schema.words import write_facts, write_text
from fabula.spec.models import ModelSpec
from fabula.testing.fake.functions import write_function
from fabula.testing.fake.programs import fake_program, fake_spec
from fabula.testing.fake.quotes import approving, quoted
from fabula.testing.fake.rewrites import is_rewritten, rewritten

_ROWS_ASKED = re.compile(
    r"\b(\d{1,4}) (?:\w+ ){0,3}?(?:rows|items|records|objects|entries|data ?points|topics)\b", re.I
)
_FACTS = re.compile(r"^Facts as JSON: (.+)$", re.M)
_WORDS_ASKED = re.compile(r"(\d{1,4})(?:\s*(?:-|–|to|and)\s*(\d{1,4}))? words", re.I)


def open_fake(_: ModelSpec) -> FakeModel:
    """Open `fake`."""
    return FakeModel()


class FakeModel:
    """A model that makes its answers up, the same ones for the same request."""

    name = "fake"
    identity = "fake"
    form: Literal["chat", "completion"] = "chat"
    concurrency = 64

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""
        prompt = "\n".join(message.content for message in request.messages)
        text = fake_reply(request, prompt)
        usage = Usage(len(prompt) // 4 + 1, len(text) // 4 + 1)
        mode = "json_schema" if request.schema else "prompt"
        return ChatReply(text, usage=usage, model=self.name, mode=mode)

    async def close(self) -> None:
        """Nothing to release."""


def fake_reply(request: ChatRequest, prompt: str) -> str:
    """The text of a made-up answer."""
    if request.purpose == COLUMN_PROGRAM:
        return write_function(request.messages[1].content)
    if request.purpose == "program":
        return fake_program(prompt)
    if request.purpose == "spec":
        return fake_spec()
    material = json.dumps([prompt, request.schema, request.sample], sort_keys=True)
    rng = random.Random(blake2b(material.encode(), digest_size=8).digest())
    if request.schema is None:
        facts = _FACTS.search(prompt)
        if facts is not None:
            return write_facts(rng, json.loads(facts[1]), words=_words_asked(prompt))
        return write_text(rng, request.messages[-1].content, words=_words_asked(prompt))
    asked = _ROWS_ASKED.search(prompt)
    schema = approving(request.schema) if VERDICTS in prompt else request.schema
    value = make_value(rng, schema, items=int(asked[1]) if asked else None)
    if isinstance(value, dict) and ("quotes" in value or "is_right" in value):
        value = quoted(rng, prompt, value)
    elif isinstance(value, dict) and is_rewritten(value):
        value = rewritten(rng, prompt, value)
    return json.dumps(value, ensure_ascii=False)


def _words_asked(prompt: str) -> int | None:
    """A number of words within what the prompt asks for."""
    asked = _WORDS_ASKED.search(prompt)
    if asked is None:
        return None
    low = int(asked[1])
    return (low + int(asked[2])) // 2 if asked[2] else low
