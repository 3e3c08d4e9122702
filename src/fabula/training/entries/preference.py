"""`preference`: a chosen and a rejected answer, as TRL reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.examples import Example
from fabula.training.lines import Line, compared, texts_of, tools_of
from fabula.training.turns import read_turns


def _read(row: Mapping[str, Any]) -> Line | None:
    if isinstance(row["chosen"], str):
        return texts_of(row, ("prompt",), ("chosen", "rejected"))
    asked = read_turns(row.get("prompt") or [])
    return compared(asked, read_turns(row["chosen"]), read_turns(row["rejected"]), tools_of(row))


def _write(example: Example) -> dict[str, Any]:
    system = {"system": example.system} if example.system else {}
    answers = {"chosen": example.assistant, "rejected": example.rejected}
    return {**system, "prompt": example.user, **answers}


TRAINING_FORMATS.add(
    TrainingFormat(
        name="preference",
        title="preferences of TRL",
        keys=("chosen", "rejected"),
        reads=_read,
        writes=_write,
        compares=True,
        rank=4,
    )
)
