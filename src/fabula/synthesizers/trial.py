"""Default gates that rows of a new model miss, measured on a few rows at the end of a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from fabula.errors import FabulaError
from fabula.evaluation.metrics.coverage import coverage
from fabula.evaluation.metrics.dependence import dependence
from fabula.evaluation.metrics.detection import detection
from fabula.evaluation.metrics.differences import FEW
from fabula.evaluation.metrics.frames import Frames, prepare
from fabula.evaluation.metrics.nearest_records import closer_to_training, exact_copies, membership
from fabula.evaluation.metrics.result import MetricResult, percent
from fabula.io.arrays import array_of
from fabula.synthesizers.sampling import Sampler

MOST_ROWS = 1_500
"""Rows of each table that are measured."""

NETWORKS = ("vae", "gan")
"""Models that train so long that trees may try to tell their rows from real ones."""

_NEAR = "few rows were learned, and drawn ones lie nearer to them than to rows held back"
_REASONS = {
    "coverage": "the {protect} smallest and largest numbers and labels of fewer rows are not"
    " reproduced",
    "dependence": "`{model}` keeps less than other models of what columns say about each other",
    "detection": "`{model}` keeps less than other models of what columns say about each other",
    "exact_copies": "the table has few different rows",
    "closer_to_training": _NEAR,
    "membership": _NEAR,
}


def missed_gates(
    sampler: Sampler, training: pa.Table, holdout: pa.Table, *, model: str, protect: int
) -> tuple[str, ...]:
    """A sentence for each default gate that drawn rows miss.

    Args:
        sampler: Draws rows of the new model.
        training: The rows that it learned.
        holdout: Rows that it did not see; may be empty.
        model: Its name.
        protect: Labels of fewer rows, and that many extreme numbers, are not reproduced.
    """
    if training.num_rows < FEW:
        return ()
    try:
        drawn = sampler.block(0, 0, min(training.num_rows, MOST_ROWS))
        real, held = (_spread(table.select(drawn.column_names)) for table in (training, holdout))
        frames = prepare(drawn, real, held if held.num_rows else None)
        missed = [result for result in _measured(frames, model) if result.passed is False]
    except FabulaError:
        return ()  # told where rows are drawn, or by `evaluate`
    return tuple(_told(result, model, protect) for result in missed)


def _measured(frames: Frames, model: str) -> Iterator[MetricResult]:
    metrics: list[Callable[[Frames], MetricResult]] = [
        coverage, dependence, exact_copies, closer_to_training, membership
    ]  # fmt: skip
    if model in NETWORKS:
        metrics.append(detection)
    yield from (metric(frames) for metric in metrics if frames.measured)


def _told(result: MetricResult, model: str, protect: int) -> str:
    shown = percent if result.form == "share" else "{:.2f}".format
    assert result.value is not None
    assert result.threshold is not None
    bound = f"at {'least' if result.direction == 'higher' else 'most'} {shown(result.threshold)}"
    why = _REASONS[result.name].format(model=model, protect=protect)
    return (
        f"warning: drawn rows miss the default gate `{result.key}` ({shown(result.value)}, must be"
        f" {bound}): {why}"
    )


def _spread(table: pa.Table) -> pa.Table:
    """Rows in even distances."""
    if table.num_rows <= MOST_ROWS:
        return table
    return table.take(array_of(np.linspace(0, table.num_rows - 1, MOST_ROWS).astype(np.int64)))
