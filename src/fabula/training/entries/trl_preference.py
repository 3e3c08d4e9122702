"""`trl-preference`: a chosen and a rejected answer as turns, TRL's conversational preferences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.examples import Example, turns_of
from fabula.training.lines import Line, compared, tools_of
from fabula.training.turns import read_turns


def _read(row: Mapping[str, Any]) -> Line | None:
    asked, chosen, rejected = (read_turns(row[key]) for key in ("prompt", "chosen", "rejected"))
    return compared(asked, chosen, rejected, tools_of(row))


def _write(example: Example) -> dict[str, Any]:
    turns = turns_of(example, ("role", "content"), ("user", "assistant"))
    rejected = {"role": "assistant", "content": example.rejected}
    return {"prompt": turns[:-1], "chosen": turns[-1:], "rejected": [rejected]}


TRAINING_FORMATS.add(
    TrainingFormat(
        name="trl-preference",
        title="conversational preferences of TRL",
        keys=("prompt", "chosen", "rejected"),
        reads=_read,
        writes=_write,
        compares=True,
        rank=51,
    )
)
