"""Quality of single columns: how alike the distributions are, and how much is missing."""

from __future__ import annotations

import numpy as np

from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.evaluation.metrics.result import noise
from fabula.render.amounts import percent

SHAPES = 0.90
MISSING = 0.02


@METRICS.add
@metric(
    "quality.shapes", "column shapes", better="higher",
    source="Kolmogorov-Smirnov statistic (Massey 1951) and total variation, as 1 - distance",
    place=10,
)  # fmt: skip
def shapes(frames: Frames) -> Score:
    """Mean over columns of one minus the distance between the distributions, missing left out."""
    scores = column_scores(frames, frames.truth, frames.synthetic)
    base = column_scores(frames, *frames.halves)
    if not scores:
        return Score(None, "Not measured: no column has a distribution to compare.")
    worst = min(scores, key=lambda name: scores[name])
    value = float(np.mean(list(scores.values())))
    return Score(
        value,
        (
            f"On average {percent(value)} of each column's distribution overlaps with the real "
            f"one; `{worst}` is the farthest off, at {percent(scores[worst])}."
            if value < 1
            else "Every column has exactly the real distribution."
        ),
        baseline=float(np.mean(list(base.values()))) if base else None,
        compared=frames.compared,
        threshold=SHAPES,
        details={"columns": scores},
    )


def column_scores(frames: Frames, real: Frame, synthetic: Frame) -> dict[str, float]:
    """One minus the distance of each column that has values on both sides."""
    found = {}
    for column in frames.measured:
        distance = column_distance(column, real[column.name], synthetic[column.name])
        if distance is not None:
            found[column.name] = 1 - distance
    return found


def column_distance(column: Column, real: Array, synthetic: Array) -> float | None:
    """Total variation of a category, Kolmogorov-Smirnov statistic of a number; 0 is the same."""
    if column.family == "category":
        known = [array[array > 0] for array in (real, synthetic)]
        if not all(map(len, known)):
            return None
        width = len(column.levels) + 1
        first, second = (np.bincount(codes, minlength=width) / len(codes) for codes in known)
        return float(np.abs(first - second).sum() / 2)
    return number_distance(real, synthetic)


def number_distance(real: Array, synthetic: Array) -> float | None:
    """The Kolmogorov-Smirnov statistic of two arrays; None if one has no value."""
    left, right = _sorted(real), _sorted(synthetic)
    if not len(left) or not len(right):
        return None
    steps, below_left, below_right = _cumulative(left, right)
    return float(np.abs(below_left - below_right).max()) if len(steps) else 0.0


@METRICS.add
@metric(
    "quality.wasserstein", "Wasserstein distance", better="lower",
    source="Wasserstein-1 distance (Vallender 1974) over the real standard deviation", place=40,
)  # fmt: skip
def wasserstein(frames: Frames) -> Score:
    """Mean over numbers of the distance that values must move, in standard deviations."""
    numbers = frames.of("number", "moment")
    moved = _moves(numbers, frames.truth, frames.synthetic)
    base = _moves(numbers, *frames.halves)
    if not moved:
        return Score(None, "Not measured: there are no numbers.")
    value, worst = float(np.mean(list(moved.values()))), max(moved, key=lambda name: moved[name])
    return Score(
        value,
        f"Numbers would have to move by {value:.2f} standard deviations on average to match the "
        f"real ones; most in `{worst}`, by {moved[worst]:.2f}.",
        baseline=float(np.mean(list(base.values()))) if base else None,
        compared=frames.compared,
        details={"columns": moved},
    )


@METRICS.add
@metric(
    "quality.missing", "missing values", better="lower",
    source="Largest difference of missing shares", form="share", place=50,
)  # fmt: skip
def missing(frames: Frames) -> Score:
    """The largest difference of a column's share of missing values."""
    apart = _missing_differences(frames, frames.truth, frames.synthetic)
    base = _missing_differences(frames, *frames.halves)
    worst = max(apart, key=lambda name: abs(apart[name]), default="")
    value = abs(apart[worst]) if worst else None
    bound = MISSING
    if worst:
        share = missing_share(frames.truth[worst])
        bound = max(bound, noise(share, frames.synthetic.rows, frames.truth.rows))
    if value is None:
        sentence = "Not measured: no column can be compared."
    elif value == 0:
        sentence = "Every column misses exactly as many values as the real one."
    else:
        more = "more" if apart[worst] > 0 else "fewer"
        sentence = (
            f"`{worst}` differs most from the real column: {percent(value)} {more} of its "
            "values are missing."
        )
    return Score(
        value,
        sentence,
        baseline=max(map(abs, base.values()), default=None),
        compared=frames.compared,
        threshold=bound,
        details={"columns": apart},
    )


def missing_share(values: Array) -> float:
    """The share of a column's values that are missing."""
    if not len(values):
        return 0.0
    absent = np.isnan(values) if values.dtype.kind == "f" else values == 0
    return float(absent.mean())


def _missing_differences(frames: Frames, real: Frame, synthetic: Frame) -> dict[str, float]:
    return {
        column.name: missing_share(synthetic[column.name]) - missing_share(real[column.name])
        for column in frames.columns
        if column.family != "other"
    }


def _moves(columns: list[Column], real: Frame, synthetic: Frame) -> dict[str, float]:
    """How far the values of each number must move, in real standard deviations."""
    moved = {}
    for column in columns:
        left, right = _sorted(real[column.name]), _sorted(synthetic[column.name])
        if not len(left) or not len(right):
            continue
        spread = float(left.std()) or float(np.abs(left).max()) or 1.0
        steps, below_left, below_right = _cumulative(left, right)
        gaps = np.abs(below_left - below_right)[:-1]
        moved[column.name] = float((gaps * np.diff(steps)).sum() / spread)
    return moved


def _sorted(values: Array) -> Array:
    return np.sort(values[~np.isnan(values)])


def _cumulative(left: Array, right: Array) -> tuple[Array, Array, Array]:
    """The values of two sorted arrays, and the share of each array that is not above them."""
    steps = np.union1d(left, right)
    return (
        steps,
        np.searchsorted(left, steps, side="right") / len(left),
        np.searchsorted(right, steps, side="right") / len(right),
    )
