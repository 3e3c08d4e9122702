"""`alpaca-preference`: Stanford Alpaca with two answers; checked, not written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.lines import Line, texts_of


def _read(row: Mapping[str, Any]) -> Line | None:
    asked = ("system?", "instruction", "input?")
    return texts_of(row, asked, ("chosen", "rejected"), row.get("history"))


TRAINING_FORMATS.add(
    TrainingFormat(
        name="alpaca-preference",
        title="Stanford Alpaca with two answers",
        keys=("instruction", "chosen", "rejected"),
        reads=_read,
        rank=3,
    )
)
