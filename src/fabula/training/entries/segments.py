"""`segments`: Axolotl's segments of text, each trained or not; checked, not written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.lines import Line
from fabula.training.turns import Turn


def _read(row: Mapping[str, Any]) -> Line | None:
    listed = row["segments"]
    if not isinstance(listed, list) or not all(
        isinstance(part, Mapping)
        and isinstance(part.get("text"), str)
        and isinstance(part.get("label"), bool)
        for part in listed
    ):
        return None
    turns = tuple(Turn("assistant" if part["label"] else "user", part["text"]) for part in listed)
    trained = any(turn.role == "assistant" for turn in turns)
    return Line((turns,), problems=() if trained else ("has no segment to train with",))


TRAINING_FORMATS.add(
    TrainingFormat(
        name="segments",
        title="segments of Axolotl",
        keys=("segments",),
        reads=_read,
        rank=7,
    )
)
