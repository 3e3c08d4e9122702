"""`alpaca`: Stanford Alpaca: an instruction, its input and its output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.conversations import Conversation, Unfit
from fabula.training.examples import Example
from fabula.training.lines import Line, texts_of


def _read(row: Mapping[str, Any]) -> Line | None:
    return texts_of(row, ("system?", "instruction", "input?"), ("output",), row.get("history"))


def _write(example: Example) -> dict[str, Any]:
    """The system's text is the instruction, if there is one, and the user's its input."""
    instruction = example.system or example.user
    given = example.user if example.system else ""
    return {"instruction": instruction, "input": given, "output": example.assistant}


def _talk(talk: Conversation) -> dict[str, Any]:
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


TRAINING_FORMATS.add(
    TrainingFormat(
        name="alpaca",
        title="Stanford Alpaca",
        keys=("instruction", "output"),
        reads=_read,
        writes=_write,
        talks=_talk,
        rank=6,
    )
)
