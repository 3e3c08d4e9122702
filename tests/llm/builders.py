"""What the tests of the LLM plane build with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fabula.llm.client.chat import ChatModel, ChatRequest, Message
from fabula.llm.client.limits import Patience

QUICK = Patience(tries=4, deadline=60.0, first_wait=0.01)
"""Tries again at once, so that tests of failures stay fast."""

Opened = Callable[..., ChatModel]

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "full name"},
        "age": {"type": "integer", "minimum": 18, "maximum": 90},
        "city": {"type": "string", "enum": ["Oslo", "Graz"]},
    },
    "required": ["name", "age", "city"],
}
ADA = '{"name": "Ada", "age": 36, "city": "Oslo"}'


def asking(prompt: str = "hello", **rest: Any) -> ChatRequest:
    """A request with one user message."""
    return ChatRequest((Message("user", prompt),), **rest)
