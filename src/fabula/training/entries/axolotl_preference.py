"""`axolotl-preference`: turns and two next ones, Axolotl's `chat_template.default` for DPO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.examples import Example, turns_of
from fabula.training.lines import Line, compared, tools_of
from fabula.training.turns import read_turns


def _read(row: Mapping[str, Any]) -> Line | None:
    chosen, rejected = (
        read_turns([row[name]] if isinstance(row[name], Mapping) else None)
        for name in ("chosen", "rejected")
    )
    return compared(read_turns(row["messages"]), chosen, rejected, tools_of(row))


def _write(example: Example) -> dict[str, Any]:
    turns = turns_of(example, ("role", "content"), ("user", "assistant"))
    rejected = {"role": "assistant", "content": example.rejected}
    return {"messages": turns[:-1], "chosen": turns[-1], "rejected": rejected}


TRAINING_FORMATS.add(
    TrainingFormat(
        name="axolotl-preference",
        title="preferences of Axolotl",
        keys=("messages", "chosen", "rejected"),
        reads=_read,
        writes=_write,
        compares=True,
        rank=-1,
    )
)
