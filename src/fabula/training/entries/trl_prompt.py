"""`trl-prompt`: prompts without answers, TRL's prompt-only type, for GRPO and its kin.

The known answer stays as a column `answer`, which TRL gives to reward functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.examples import Example, turns_of
from fabula.training.lines import Line
from fabula.training.turns import Turn, read_turns


def _read(row: Mapping[str, Any]) -> Line | None:
    prompt = row["prompt"]
    if isinstance(prompt, str):
        return Line(((Turn("user", prompt),),))
    turns = read_turns(prompt)
    return Line((turns,)) if turns else None


def _write(example: Example) -> dict[str, Any]:
    turns = turns_of(example, ("role", "content"), ("user", "assistant"))
    return {"prompt": turns[:-1], "answer": example.assistant}


TRAINING_FORMATS.add(
    TrainingFormat(
        name="trl-prompt",
        title="prompts of TRL",
        keys=("prompt",),
        reads=_read,
        writes=_write,
        rank=60,
    )
)
