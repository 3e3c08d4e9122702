"""`stepwise`: steps of an answer with a label each, as TRL and Axolotl have them; checked only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.lines import Line
from fabula.training.turns import Turn


def _read(row: Mapping[str, Any]) -> Line | None:
    steps, labels = row["completions"], row["labels"]
    if not isinstance(steps, list) or not isinstance(labels, list):
        return None
    if not isinstance(row["prompt"], str) or not all(isinstance(step, str) for step in steps):
        return None
    problems = []
    if len(steps) != len(labels) or not steps:
        problems.append(f"has {len(steps)} steps and {len(labels)} labels")
    problems += ["has a label that is not true or false"] * any(
        not isinstance(label, bool) for label in labels
    )
    turns = (Turn("user", row["prompt"]), *(Turn("assistant", step) for step in steps))
    return Line((turns,), problems=tuple(problems))


TRAINING_FORMATS.add(
    TrainingFormat(
        name="stepwise",
        title="steps with labels of TRL and Axolotl",
        keys=("prompt", "completions", "labels"),
        reads=_read,
        rank=6,
    )
)
