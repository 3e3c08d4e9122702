"""`segments`: Axolotl's segments of text, each trained or not; templates hold its line ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.examples import Example
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


def _write(example: Example) -> dict[str, Any]:
    """Axolotl joins segments as they are, so a blank line parts them here."""
    parts = [*filter(None, (example.system, example.user)), example.assistant]
    last = len(parts) - 1
    return {
        "segments": [
            {"label": place == last, "text": text if place == last else f"{text}\n\n"}
            for place, text in enumerate(parts)
        ]
    }


TRAINING_FORMATS.add(
    TrainingFormat(
        name="segments",
        title="segments of Axolotl",
        keys=("segments",),
        reads=_read,
        writes=_write,
        rank=7,
    )
)
