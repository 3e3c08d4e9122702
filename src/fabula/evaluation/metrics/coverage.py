"""Quality of the whole: is everything there that reality has, and nothing that it has not?"""

from __future__ import annotations

import numpy as np

from fabula.evaluation.metrics.distances import Points, Space, kth_distance, nearest
from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.render.amounts import percent

COVERAGE, PRECISION, RECALL = 0.85, 0.85, 0.70
SHORT = 0.15
"""Synthetic rows may fall so far short of what other real rows reach."""

MOST_ROWS = 4_000
NEIGHBOURS = 5
LEVELS = np.linspace(0.02, 0.98, 49)
ROUNDING = 1e-6
"""Distances that differ by less, as a share, are equal."""
_SOURCE = "Alpha-precision and beta-recall (Alaa et al. 2022), without their one-class embedding"


@METRICS.add
@metric(
    "quality.coverage", "coverage of labels and ranges", better="higher",
    source="Category and range coverage", form="share", place=60,
)  # fmt: skip
def coverage(frames: Frames) -> Score:
    """Mean over columns of the share of real labels, or of the real range, that occurs."""
    found = _covered(frames, frames.truth, frames.synthetic)
    base = _covered(frames, *frames.halves)
    worst = min(found, key=lambda name: found[name], default="")
    value = float(np.mean(list(found.values()))) if found else None
    real = float(np.mean(list(base.values()))) if base else None
    return Score(
        value,
        (
            "Not measured: no column has values to cover."
            if value is None
            else "Every real label and the whole range of every number occur."
            if value == 1
            else f"{percent(value)} of the real labels and ranges occur; least of `{worst}`, with "
            f"{percent(found[worst])}."
        ),
        baseline=real,
        compared=frames.compared,
        threshold=COVERAGE if real is None else min(COVERAGE, real - SHORT),
        details={"columns": found},
    )


@METRICS.add
@metric("quality.precision", "precision (typicality)", better="higher", source=_SOURCE, place=70)
def precision(frames: Frames) -> Score:
    """Whether synthetic rows lie as near to the centre of the real rows as real rows do."""
    space = Space.of(frames)
    value = _precision(*_points(frames, space, frames.truth, frames.synthetic))
    base = _precision(*_points(frames, space, *frames.halves))
    least = PRECISION if base >= PRECISION else base - SHORT  # such as rows that are all equal
    return Score(
        value,
        (
            f"Synthetic rows are as typical or unusual as real ones to {percent(value)}: they are "
            "neither too average nor more extreme than real rows."
            if value >= least
            else f"Synthetic rows are as typical or unusual as real ones only to {percent(value)}: "
            "too many are average, or more extreme than real rows."
        ),
        baseline=base,
        compared=frames.compared,
        threshold=least,
        details={"most_rows": MOST_ROWS},
    )


@METRICS.add
@metric(
    "quality.recall", "recall (coverage)", better="higher", source=_SOURCE, form="share", place=80
)
def recall(frames: Frames) -> Score:
    """Whether every neighbourhood of real rows has synthetic rows in it."""
    space = Space.of(frames)
    value = _recall(*_points(frames, space, frames.truth, frames.synthetic))
    base = _recall(*_points(frames, space, *frames.halves))
    return Score(
        value,
        f"{percent(value)} of the real rows have a synthetic row at least as near as their "
        f"{NEIGHBOURS}th nearest real row.",
        baseline=base,
        compared=frames.compared,
        threshold=min(RECALL, base - SHORT),
        details={"most_rows": MOST_ROWS, "neighbours": NEIGHBOURS},
    )


def _covered(frames: Frames, real: Frame, synthetic: Frame) -> dict[str, float]:
    found = {}
    for column in frames.measured:
        share = _column_covered(column, real[column.name], synthetic[column.name])
        if share is not None:
            found[column.name] = share
    return found


def _column_covered(column: Column, real: Array, synthetic: Array) -> float | None:
    """The share of a column's labels, or of its range, that the synthetic column reaches."""
    if column.family == "category":
        known = np.unique(real[real > 0])
        return float(np.isin(known, synthetic).mean()) if len(known) else None
    left, right = real[~np.isnan(real)], synthetic[~np.isnan(synthetic)]
    if not len(left) or left.min() == left.max():
        return None
    if not len(right):
        return 0.0
    reached = min(right.max(), left.max()) - max(right.min(), left.min())
    return float(max(reached, 0) / (left.max() - left.min()))


def _points(frames: Frames, space: Space, real: Frame, other: Frame) -> tuple[Points, Points]:
    """Equally many points of both, so that the densities can be compared."""
    most = min(real.rows, other.rows, MOST_ROWS)
    return (
        space.points(frames.sample(real, most, "support of real rows")),
        space.points(frames.sample(other, most, "support of synthetic rows")),
    )


def _precision(real: Points, synthetic: Points) -> float:
    """One minus twice the mean gap between the shares of real and of synthetic rows in a ball.

    In balls of the radii that hold given shares of real rows, or more where many are as far away.
    """
    centre = real.mean(axis=0)
    far, away = (np.sort(np.linalg.norm(rows - centre, axis=1)) for rows in (real, synthetic))
    radii = np.quantile(far, LEVELS) * (1 + ROUNDING)
    expected, inside = (
        np.searchsorted(rows, radii, side="right") / len(rows) for rows in (far, away)
    )
    return float(max(0, 1 - 2 * np.abs(inside - expected).mean()))


def _recall(real: Points, synthetic: Points) -> float:
    """The share of real points with a synthetic one inside their neighbourhood."""
    if len(real) <= NEIGHBOURS:
        return 1.0
    reach = kth_distance(real, NEIGHBOURS)
    away, _ = nearest(real, synthetic)
    return float((away <= reach + 1e-4).mean())
