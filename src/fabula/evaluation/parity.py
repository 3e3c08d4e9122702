"""What a repair of bias costs a model of the outcome."""

from __future__ import annotations

import pyarrow as pa

from fabula.errors import PrerequisiteError
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.utility import model_score, outcome_column
from fabula.synthesizers.parity import Repaired
from fabula.synthesizers.synthesizer import Synthesizer

_MOST_ROWS = 20_000


def cost_line(model: Synthesizer[pa.Table], made: Repaired, *, seed: int = 0) -> str:
    """How well the outcome is predicted by models of repaired and of plain rows.

    Both are tested on other rows as the synthesizer draws them, whose rates differ by group.

    Args:
        model: The synthesizer.
        made: The repaired rows.
        seed: Decides which rows are drawn.
    """
    rows = min(made.rows.num_rows, _MOST_ROWS)
    plain, test = (pa.concat_tables(model.blocks(rows, seed=seed + at)) for at in (911, 912))
    frames = prepare(made.rows.slice(0, rows), plain, test, seed=seed)
    column = outcome_column(frames, made.parity.outcome)
    assert frames.real is not None
    assert frames.holdout is not None
    measure = "R²" if column.family != "category" else "AUC"
    try:
        ours, theirs = (
            model_score(frames, column, part, frames.holdout)
            for part in (frames.synthetic, frames.real)
        )
    except PrerequisiteError as error:
        return f"What this costs a model was not measured: {error.message}"
    if ours is None or theirs is None:
        return "What this costs a model was not measured: all rows have one outcome"
    return (
        f"A model of {column.name} reaches {measure} {ours:.3f} from these rows, and {theirs:.3f}"
        f" from rows without the repair ({test.num_rows:,} such rows, not learned from)"
    )
