"""What the scripted server answers: a payload, or one of the things that go wrong in practice.

Every function here returns a `Reply`; `ChatServer` takes them wherever it takes an answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One scripted answer.

    Args:
        text: The payload. None makes one that fits the request.
        finish: Why the model says that it stopped.
        status: The HTTP status; other than 200, `text` is the error's message.
        headers: More response headers; a `Content-Type` takes the place of JSON's.
        body: Sent as the whole body, instead of an envelope around `text`.
        content: The picture or sound that is sent, in place of a made-up one.
        message: The assistant's message as the server writes it, instead of one around `text`.
        error: The error's `code`, for other statuses than 200.
        delay: Seconds before the answer.
        reset: Whether the connection is cut instead.
        usage: Whether tokens are reported.
        as_text: Whether the payload is written as text even where a tool call was required.
    """

    text: str | None = None
    finish: str = "stop"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    content: bytes | None = None
    message: Mapping[str, Any] | None = None
    error: str | None = None
    delay: float = 0.0
    reset: bool = False
    usage: bool = True
    as_text: bool = False


def says(payload: str | Mapping[str, Any] | Sequence[Any]) -> Reply:
    """A good answer; what is not a string is written as JSON."""
    return Reply(payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False))


def failed(status: int, message: str = "scripted failure", *, error: str | None = None) -> Reply:
    """An HTTP error."""
    return Reply(message, status=status, error=error)


def rate_limited(retry_after: float | None = None) -> Reply:
    """HTTP 429, with `Retry-After` when seconds are given."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Reply("rate limit reached", status=429, headers=headers, error="rate_limit_exceeded")


def quota_spent() -> Reply:
    """HTTP 429 that no waiting cures."""
    return Reply("you exceeded your current quota", status=429, error="insufficient_quota")


def reset() -> Reply:
    """The connection is cut without an answer."""
    return Reply(reset=True)


def slow(seconds: float, payload: str | None = None) -> Reply:
    """A good answer that takes its time; longer than the client waits, it is a timeout."""
    return Reply(payload, delay=seconds)


def empty() -> Reply:
    """A reply without a word in it."""
    return Reply("", as_text=True)


def null_content() -> Reply:
    """A message whose content is null and that calls no tool."""
    return Reply(message={"role": "assistant", "content": None})


def refusal(text: str = "I cannot help with that.") -> Reply:
    """A refusal, as OpenAI marks it."""
    return Reply(message={"role": "assistant", "content": None, "refusal": text})


def reasoning_only(text: str = "Let me think about it.") -> Reply:
    """Thoughts without an answer."""
    return Reply(message={"role": "assistant", "content": None, "reasoning_content": text})


def cut(text: str) -> Reply:
    """A reply that ran into the token limit."""
    return Reply(text, finish="length")


def filtered(text: str = "") -> Reply:
    """A reply that the provider's filter stopped."""
    return Reply(text, finish="content_filter", as_text=True)


def invalid_envelope(body: str = '{"choices": [') -> Reply:
    """HTTP 200 whose body is not a completion."""
    return Reply(body=body)


def no_usage(payload: str | None = None) -> Reply:
    """A good answer that reports no tokens."""
    return Reply(payload, usage=False)


def tool_calls(*arguments: str, name: str = "reply") -> Reply:
    """Tool calls of any number and name, with these arguments."""
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": text}}
        for n, text in enumerate(arguments)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    return Reply(message=message, finish="tool_calls")
