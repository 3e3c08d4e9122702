"""`trl-chat`: chats with tools as TRL and Axolotl document them, for chat templates.

Arguments of calls are objects, a tool's answer names its tool, and `tools` is the JSON text of a
list: as columns, different schemas would gain the keys of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.conversations import Conversation, Unfit
from fabula.training.examples import Example, turns_of
from fabula.training.lines import Line
from fabula.training.turns import as_json, from_json


def _read(row: Mapping[str, Any]) -> Line | None:
    line: Line | None = TRAINING_FORMATS["chat-jsonl"].reads(row)
    return line


def _write(example: Example) -> dict[str, Any]:
    return {"messages": turns_of(example, ("role", "content"), ("user", "assistant"))}


def trl_messages(talk: Conversation) -> list[dict[str, Any]]:
    """The messages of a conversation, in the form that chat templates take.

    Raises:
        Unfit: A call has arguments that are not an object.
    """
    names: dict[str, str] = {}
    made = []
    for turn, message in zip(talk.turns, talk.messages, strict=True):
        told: dict[str, Any] = {"role": turn.role, "content": message.get("content") or ""}
        if turn.calls:
            told["tool_calls"] = []
        for call in turn.calls:
            arguments = from_json(call.arguments)
            if not isinstance(arguments, Mapping):
                raise Unfit("a call of a tool has arguments that are not a JSON object")
            names[call.id] = call.name
            function = {"name": call.name, "arguments": arguments}
            identity = {"id": call.id} if call.id else {}
            told["tool_calls"].append({**identity, "type": "function", "function": function})
        if turn.role == "tool":
            told |= {"name": names.get(turn.answers, "")}
            told |= {"tool_call_id": turn.answers} if turn.answers else {}
        made.append(told)
    return made


def _talk(talk: Conversation) -> dict[str, Any]:
    tools = from_json(talk.besides.get("tools", talk.besides.get("functions")))
    return {"messages": trl_messages(talk)} | ({"tools": as_json(tools)} if tools else {})


TRAINING_FORMATS.add(
    TrainingFormat(
        name="trl-chat",
        title="chats with tools of TRL and Axolotl",
        keys=("messages",),
        reads=_read,
        writes=_write,
        talks=_talk,
        rank=50,
    )
)
