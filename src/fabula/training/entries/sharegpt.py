"""`sharegpt`: conversations as ShareGPT has them, with the additions of LLaMA-Factory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.conversations import Conversation, Unfit
from fabula.training.examples import Example, turns_of
from fabula.training.lines import Line, compared, tools_of
from fabula.training.turns import Turn, as_json, from_json, read_turns

_SPEAKERS = {"system": "system", "developer": "system", "user": "human", "assistant": "gpt"}


def _read(row: Mapping[str, Any]) -> Line | None:
    turns = read_turns(row["conversations"])
    if turns is None:
        return None
    opening = (Turn("system", row["system"]),) if isinstance(row.get("system"), str) else ()
    if "chosen" in row and "rejected" in row:
        chosen, rejected = (read_turns([row[name]]) for name in ("chosen", "rejected"))
        return compared((*opening, *turns), chosen, rejected, tools_of(row))
    if opening and opening[0].is_empty:
        opening = ()
    return Line(((*opening, *turns),), True, tools_of(row))


def _write(example: Example) -> dict[str, Any]:
    return {"conversations": turns_of(example, ("from", "value"), ("human", "gpt"))}


def _talk(talk: Conversation) -> dict[str, Any]:
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


TRAINING_FORMATS.add(
    TrainingFormat(
        name="sharegpt",
        title="ShareGPT",
        keys=("conversations",),
        reads=_read,
        writes=_write,
        talks=_talk,
        strict=True,
        rank=2,
    )
)
