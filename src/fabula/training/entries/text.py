"""`text`: one text per line, for language modelling and pretraining."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.examples import Example
from fabula.training.lines import Line, texts_of


def _read(row: Mapping[str, Any]) -> Line | None:
    return texts_of(row, (), ("text",))


def _write(example: Example) -> dict[str, Any]:
    return {"text": "\n\n".join(filter(None, (example.system, example.user, example.assistant)))}


TRAINING_FORMATS.add(
    TrainingFormat(
        name="text",
        title="plain texts",
        keys=("text",),
        reads=_read,
        writes=_write,
        rank=8,
    )
)
