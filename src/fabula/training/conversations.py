"""Conversations of several turns in each training format, with every turn and every call of a tool.

OpenAI's chat keeps the turns as they came. ShareGPT's calls and answers are turns of their own, as
LLaMA-Factory reads them; Alpaca has earlier turns under `history`; prompt and completion are lists
of turns, as TRL reads them. A conversation that a format can't hold is `Unfit`, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fabula.training.turns import Turn, as_json, from_json, order_problem, read_turns

_BESIDES = ("tools", "functions", "parallel_tool_calls")
"""Columns that belong to a conversation."""


class Unfit(Exception):
    """A row's conversation can't be an example; the message says why."""


@dataclass(frozen=True)
class Conversation:
    """One conversation: its turns, also as OpenAI's chat writes them, and its tools (`besides`)."""

    turns: tuple[Turn, ...]
    messages: list[dict[str, Any]]
    besides: dict[str, Any]

    @property
    def input(self) -> str:
        """All that precedes the last answer."""
        return "\n".join(f"{turn.role}: {turn.written}" for turn in self.turns[:-1])

    @property
    def prompts(self) -> list[str]:
        """What is said to the assistant."""
        return [turn.written for turn in self.turns if turn.role != "assistant"]

    @property
    def answers(self) -> list[str]:
        """What the assistant says."""
        return [turn.written for turn in self.turns if turn.role == "assistant"]


def conversation(row: Mapping[str, Any], column: str, system: str = "") -> Conversation:
    """The conversation in a column of a row, which `system` opens if nothing else does.

    Raises:
        Unfit: There is none, or its turns are in an order that trainers refuse.
    """
    listed = from_json(row[column])
    turns = read_turns(listed)
    if not turns:
        raise Unfit(f"`{column}` holds no turns")
    opening = system or str(row.get("system") or "")
    messages = _messages(listed, turns)
    if opening.strip() and turns[0].role not in ("system", "developer"):
        turns = (Turn("system", opening), *turns)
        messages = [{"role": "system", "content": opening}, *messages]
    if problem := order_problem([turn.role for turn in turns]):
        raise Unfit(f"a conversation {problem}")
    if any(turn.is_empty for turn in turns):
        raise Unfit("a turn is empty")
    besides = {name: row[name] for name in _BESIDES if row.get(name) is not None}
    return Conversation(turns, messages, besides)


def _messages(listed: Sequence[Mapping[str, Any]], turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The turns as chat messages: as they are, or made of ShareGPT's."""
    if not any("from" in turn for turn in listed):
        return [dict(turn) for turn in listed]
    messages: list[dict[str, Any]] = []
    open_calls: list[str] = []
    for number, turn in enumerate(turns):
        message: dict[str, Any] = {"role": turn.role, "content": turn.text}
        if turn.calls:
            open_calls = [f"call_{number}_{place}" for place in range(len(turn.calls))]
            message["content"] = None
            message["tool_calls"] = [
                {
                    "id": made,
                    "type": "function",
                    "function": {"name": call.name, "arguments": as_json(call.arguments)},
                }
                for made, call in zip(open_calls, turn.calls, strict=True)
            ]
        elif turn.role == "tool":
            if not open_calls:
                raise Unfit("a tool answers that nothing called")
            messages += _answers(turn, open_calls)
            open_calls = []
            continue
        messages.append(message)
    return messages


def _answers(turn: Turn, calls: Sequence[str]) -> list[dict[str, Any]]:
    """A tool's message for each call; one observation may answer several, as a list."""
    read = from_json(turn.text) if len(calls) > 1 else [turn.text]
    if not isinstance(read, list) or len(read) != len(calls):
        raise Unfit("an observation does not answer each call of a tool")
    return [
        {"role": "tool", "tool_call_id": call, "content": as_json(text)}
        for call, text in zip(calls, read, strict=True)
    ]
