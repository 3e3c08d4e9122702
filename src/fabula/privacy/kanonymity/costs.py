"""What a release costs: the score of a model that learns from it, between two ends of a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.utility import model_score, outcome_column
from fabula.io.arrays import array_of
from fabula.privacy.drafts import typed
from fabula.privacy.files.sources import Source
from fabula.streams import stream

MOST_ROWS = 50_000
_TESTED = 0.25


class Maker(Protocol):
    """Makes new columns of rows."""

    def mask(self, block: pa.Table) -> dict[str, pa.Array]:
        """The new columns."""


@dataclass(frozen=True)
class Cost:
    """How well models of one column do on rows that they never saw.

    Attributes:
        target: The column.
        measure: `AUC`, or `R²` of numbers.
        raw: The score of a model that learned from the original rows.
        released: That of one that learned from the release.
        dropped: That of one that was given no quasi-identifier.
        rows: How many rows were tested.
    """

    target: str
    measure: str
    raw: float
    released: float
    dropped: float
    rows: int


def cost_of(
    source: Source, maker: Maker, quasi: Sequence[str], target: str, *, seed: int = 0
) -> Cost | None:
    """Learn from original rows, from released ones, and from rows without quasi-identifiers.

    Three quarters of a sample are learned from, the last quarter is tested with: the original
    values for the model of the original rows, released values for that of the release.

    Raises:
        UsageError: The target can't be predicted.
        PrerequisiteError: The extra `learned` is not installed.
    """
    sample = source.sample()
    order = stream(seed, "cost", "rows", 0).permutation(sample.num_rows)[:MOST_ROWS]
    raw = sample.take(array_of(order))
    released = raw
    for name, values in maker.mask(raw).items():
        at = raw.column_names.index(name)
        released = released.set_column(at, name, values)
    cut = int(raw.num_rows * (1 - _TESTED))

    def score(table: pa.Table) -> tuple[float | None, str]:
        known = typed(table)
        frames = prepare(known.slice(0, cut), known.slice(0, cut), known.slice(cut), seed=seed)
        column = outcome_column(frames, target)
        assert frames.holdout is not None
        measure = "R²" if column.family != "category" else "AUC"
        return model_score(frames, column, frames.synthetic, frames.holdout), measure

    (one, measure), (two, _), (three, _) = map(score, (raw, released, raw.drop_columns([
        name for name in quasi if name != target
    ])))  # fmt: skip
    if one is None or two is None or three is None:
        return None
    return Cost(target, measure, one, two, three, raw.num_rows - cut)
