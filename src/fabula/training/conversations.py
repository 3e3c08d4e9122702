"""Conversations of several turns in each training format, with every turn and every call of a tool.

OpenAI's chat keeps the turns as they came. ShareGPT's calls and answers are turns of their own, as
LLaMA-Factory reads them; Alpaca has earlier turns under `history`; prompt and completion are lists
of turns, as TRL reads them. A conversation that a format can't hold is `Unfit`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fabula.training.turns import Turn, as_json, from_json, order_problem, read_turns

_BESIDES = ("tools", "functions", "parallel_tool_calls")
"""Columns that belong to a conversation."""
_SPEAKERS = {"system": "system", "developer": "system", "user": "human", "assistant": "gpt"}


class Unfit(Exception):
    """A row's conversation can't be an example; the message says why."""


@dataclass(frozen=True)
class Conversation:
    """One conversation.

    Attributes:
        turns: What is said in turn.
        messages: The turns as OpenAI's chat writes them.
        besides: What else belongs to it: its tools.
    """

    turns: tuple[Turn, ...]
    messages: list[dict[str, Any]]
    besides: dict[str, Any]

    @property
    def input(self) -> str:
        """All that stands before the last answer."""
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
    """The conversation of a row.

    Args:
        row: The row.
        column: Where its turns are.
        system: What the system says where the conversation does not begin with it.

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


def _chat(talk: Conversation) -> dict[str, Any]:
    return {"messages": talk.messages, **{k: from_json(v) for k, v in talk.besides.items()}}


def _sharegpt(talk: Conversation) -> dict[str, Any]:
    said: list[dict[str, str]] = []
    answered: list[str] = []
    for place, turn in enumerate(talk.turns):
        if turn.role == "tool":
            answered.append(turn.text)
            if place + 1 < len(talk.turns) and talk.turns[place + 1].role == "tool":
                continue
            value = answered[0] if len(answered) == 1 else as_json(answered)
            said.append({"from": "observation", "value": value})
            answered = []
        elif turn.calls:
            if turn.text.strip():
                raise Unfit("a turn both speaks and calls a tool, which ShareGPT can't hold")
            calls = [{"name": c.name, "arguments": from_json(c.arguments)} for c in turn.calls]
            value = as_json(calls[0] if len(calls) == 1 else calls)
            said.append({"from": "function_call", "value": value})
        else:
            said.append({"from": _SPEAKERS[turn.role], "value": turn.text})
    tools = talk.besides.get("tools", talk.besides.get("functions"))
    listed = [tool.get("function", tool) for tool in from_json(tools) or ()]
    return {"conversations": said} | ({"tools": as_json(listed)} if listed else {})


def _alpaca(talk: Conversation) -> dict[str, Any]:
    turns = talk.turns
    system = turns[0].text if turns[0].role in ("system", "developer") else ""
    said = turns[1:] if system else turns
    if any(turn.calls or turn.role == "tool" for turn in said):
        raise Unfit("a conversation calls tools, which Alpaca can't hold")
    pairs = [[asked.text, answer.text] for asked, answer in zip(said[::2], said[1::2], strict=True)]
    asked, answer = pairs[-1]
    made: dict[str, Any] = {"instruction": asked, "input": "", "output": answer}
    made |= {"system": system} if system else {}
    return made | ({"history": pairs[:-1]} if len(pairs) > 1 else {})


def _completion(talk: Conversation) -> dict[str, Any]:
    tools = {k: from_json(v) for k, v in talk.besides.items() if k == "tools"}
    return {"prompt": talk.messages[:-1], "completion": talk.messages[-1:], **tools}


WRITE_TALK: Mapping[str, Callable[[Conversation], dict[str, Any]]] = {
    "chat-jsonl": _chat,
    "completion-jsonl": _completion,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
}
"""How each training format writes a conversation."""
