"""`chat-jsonl`: OpenAI's chat fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.conversations import Conversation
from fabula.training.examples import Example, turns_of
from fabula.training.lines import Line, tools_of
from fabula.training.turns import from_json, read_turns


def _read(row: Mapping[str, Any]) -> Line | None:
    turns = read_turns(row["messages"])
    if turns is None:
        return None
    weights = [turn.get("weight") for turn in row["messages"] if turn.get("weight") is not None]
    wrong = [weight for weight in weights if weight not in (0, 1)]
    problems = (f"has the weight {wrong[0]!r}, not 0 or 1",) if wrong else ()
    return Line((turns,), True, tools_of(row), problems)


def _write(example: Example) -> dict[str, Any]:
    return {"messages": turns_of(example, ("role", "content"), ("user", "assistant"))}


def _talk(talk: Conversation) -> dict[str, Any]:
    return {"messages": talk.messages, **{k: from_json(v) for k, v in talk.besides.items()}}


TRAINING_FORMATS.add(
    TrainingFormat(
        name="chat-jsonl",
        title="OpenAI's chat",
        keys=("messages",),
        reads=_read,
        writes=_write,
        talks=_talk,
        rank=0,
    )
)
