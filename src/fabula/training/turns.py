"""Conversations as training files contain them: turns of OpenAI's chat and of ShareGPT in one form.

Both ways are the same talk under other names: `role` and `content`, or `from` and `value`, where
a call of a tool is a turn of its own (`function_call`, answered by `observation`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

ROLES = ("system", "developer", "user", "assistant", "tool")
"""Who can speak in a chat."""
SHAREGPT_ROLES = {
    "system": "system",
    "human": "user",
    "gpt": "assistant",
    "function_call": "assistant",
    "observation": "tool",
}
"""ShareGPT's speakers as roles of a chat."""


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool: its arguments are an object, or the JSON text of one."""

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True)
class Turn:
    """What one speaker says: text (other parts as JSON), calls of tools, the answer to a call."""

    role: str
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said and nothing called."""
        return not self.text.strip() and not self.calls

    @property
    def written(self) -> str:
        """Text and calls, as far as they count as tokens."""
        called = [f"{call.name} {as_json(call.arguments)}" for call in self.calls]
        return "\n".join(filter(None, (self.text, *called)))


def read_turns(listed: Any) -> tuple[Turn, ...] | None:
    """The turns of a conversation; None if it is none."""
    if not isinstance(listed, list) or not all(isinstance(turn, Mapping) for turn in listed):
        return None
    read = [_sharegpt_turn(turn) if "from" in turn else _chat_turn(turn) for turn in listed]
    return None if None in read else tuple(turn for turn in read if turn is not None)


def _chat_turn(turn: Mapping[str, Any]) -> Turn | None:
    calls = _calls(turn)
    if calls is None:
        return None
    text = _text(turn.get("content"))
    role, answered = str(turn.get("role", "")), str(turn.get("tool_call_id") or "")
    return None if text is None else Turn(role, text, calls, answered)


def _calls(turn: Mapping[str, Any]) -> tuple[ToolCall, ...] | None:
    listed = turn.get("tool_calls") or []
    if turn.get("function_call"):
        listed = [{"function": turn["function_call"]}]
    if not isinstance(listed, list) or not all(isinstance(call, Mapping) for call in listed):
        return None
    calls = []
    for call in listed:
        function = call.get("function", call)
        if not isinstance(function, Mapping):
            return None
        name, arguments = str(function.get("name") or ""), function.get("arguments", {})
        calls.append(ToolCall(name, arguments, str(call.get("id") or "")))
    return tuple(calls)


def _sharegpt_turn(turn: Mapping[str, Any]) -> Turn | None:
    speaker, value = str(turn["from"]), turn.get("value")
    role = SHAREGPT_ROLES.get(speaker, speaker)
    if speaker != "function_call":
        text = _text(value)
        return None if text is None else Turn(role, text)
    called = from_json(value)
    calls = _calls({"tool_calls": called if isinstance(called, list) else [called]})
    return None if calls is None else Turn(role, "", calls)


def _text(content: Any) -> str | None:
    """A turn's text; parts of several kinds count as they are written."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        return None
    if all(part.get("type") == "text" for part in content):
        return "".join(str(part.get("text") or "") for part in content)
    return as_json(content)


def from_json(value: Any) -> Any:
    """The value of a JSON text; anything else, and what is not JSON, as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def as_json(value: Any) -> str:
    """A value as JSON text; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def order_problem(roles: Sequence[str], *, strict: bool = False) -> str | None:
    """What is wrong with who speaks when.

    `strict` wants an answer after every turn of the user or of a tool, as ShareGPT's trainers do.
    """
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        return f"has the unknown role `{unknown[0]}`"
    talk = roles[1:] if roles and roles[0] in ("system", "developer") else roles
    if not talk or talk[-1] != "assistant":
        return "does not end with the assistant"
    if talk[0] != "user":
        return "has no user before the assistant"
    if any(role in ("system", "developer") for role in talk):
        return "has a system's text that is not the first"
    if any(a == b != "tool" for a, b in pairwise(talk)):
        return "has two turns of the same role in a row"
    if strict and any("assistant" not in pair for pair in pairwise(talk)):
        return "has two turns without an answer between them"
    return None
