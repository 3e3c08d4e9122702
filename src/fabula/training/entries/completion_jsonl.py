"""`completion-jsonl`: a prompt and its completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.conversations import Conversation
from fabula.training.examples import Example
from fabula.training.lines import Line, texts_of, tools_of
from fabula.training.turns import from_json, read_turns


def _read(row: Mapping[str, Any]) -> Line | None:
    label = row.get("label")
    wrong = "label" in row and not isinstance(label, bool)
    problems = (f"has the label {label!r}, not true or false",) if wrong else ()
    if isinstance(row["prompt"], str):
        line = texts_of(row, ("prompt",), ("completion",))
        return line and Line(line.talks, problems=problems)
    asked, answer = read_turns(row["prompt"]), read_turns(row["completion"])
    if asked is None or answer is None:
        return None
    return Line(((*asked, *answer),), True, tools_of(row), problems)


def _write(example: Example) -> dict[str, Any]:
    prompt = "\n\n".join(filter(None, (example.system, example.user)))
    return {"prompt": prompt, "completion": example.assistant}


def _talk(talk: Conversation) -> dict[str, Any]:
    tools = {k: from_json(v) for k, v in talk.besides.items() if k == "tools"}
    return {"prompt": talk.messages[:-1], "completion": talk.messages[-1:], **tools}


TRAINING_FORMATS.add(
    TrainingFormat(
        name="completion-jsonl",
        title="prompt and completion",
        keys=("prompt", "completion"),
        reads=_read,
        writes=_write,
        talks=_talk,
        rank=5,
    )
)
