"""`trl-unpaired`: answers with a label each, TRL's unpaired preferences, for KTO.

`completion-jsonl` reads it: a label may stand in its lines.
"""

from __future__ import annotations

from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat
from fabula.training.examples import Example, turns_of


def _write(example: Example) -> list[dict[str, Any]]:
    """Two lines: the chosen answer is a good one, the rejected one is not."""
    prompt = turns_of(example, ("role", "content"), ("user", "assistant"))[:-1]
    return [
        {
            "prompt": prompt,
            "completion": [{"role": "assistant", "content": answer}],
            "label": is_good,
        }
        for answer, is_good in ((example.assistant, True), (example.rejected, False))
    ]


TRAINING_FORMATS.add(
    TrainingFormat(
        name="trl-unpaired",
        title="unpaired preferences of TRL",
        keys=("prompt", "completion", "label"),
        reads=TRAINING_FORMATS["completion-jsonl"].reads,
        writes=_write,
        compares=True,
        rank=52,
    )
)
