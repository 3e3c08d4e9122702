"""`openai-preference`: OpenAI's preference fine-tuning; checked, not written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.lines import Line, compared, tools_of
from fabula.training.turns import read_turns


def _read(row: Mapping[str, Any]) -> Line | None:
    asked = row["input"] if isinstance(row["input"], Mapping) else {}
    return compared(
        read_turns(asked.get("messages")),
        read_turns(row["preferred_output"]),
        read_turns(row["non_preferred_output"]),
        tools_of(asked),
    )


TRAINING_FORMATS.add(
    TrainingFormat(
        name="openai-preference",
        title="OpenAI's preferences",
        keys=("input", "preferred_output", "non_preferred_output"),
        reads=_read,
        rank=1,
    )
)
