"""`text`: one text per line; checked, not written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.lines import Line, texts_of


def _read(row: Mapping[str, Any]) -> Line | None:
    return texts_of(row, (), ("text",))


TRAINING_FORMATS.add(
    TrainingFormat(
        name="text",
        title="plain texts",
        keys=("text",),
        reads=_read,
        rank=8,
    )
)
