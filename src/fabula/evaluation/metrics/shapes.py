"""Quality of single columns: how alike the distributions are, and how much is missing."""

from __future__ import annotations

import numpy as np

from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.result import MetricResult, noise, percent

SHAPES = 0.90
MISSING = 0.02
_SHAPES_SOURCE = "Kolmogorov-Smirnov statistic (Massey 1951) and total variation, as 1 - distance"
_MOVE_SOURCE = "Wasserstein-1 distance (Vallender 1974) over the real standard deviation"


def shapes(frames: Frames) -> MetricResult:
    """Mean over columns of one minus the distance between the distributions, missing left out."""
    scores = column_scores(frames, frames.truth, frames.synthetic)
    base = column_scores(frames, *frames.halves)
    if not scores:
        return MetricResult(
            "quality",
            "shapes",
            "one-column fit",
            None,
            "higher",
            "Not measured: no column has a distribution to compare.",
            _SHAPES_SOURCE,
        )
    worst = min(scores, key=lambda name: scores[name])
    value = float(np.mean(list(scores.values())))
    return MetricResult(
        "quality", "shapes", "one-column fit", value, "higher",
        f"On average {percent(value)} of each column's distribution overlaps with the real one; "
        f"`{worst}` is the farthest off, at {percent(scores[worst])}."
        if value < 1
        else "Every column has exactly the real distribution.",
        _SHAPES_SOURCE,
        baseline=float(np.mean(list(base.values()))) if base else None,
        compared=frames.compared, threshold=SHAPES, details={"columns": scores},
    )  # fmt: skip


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
    """The Kolmogorov-Smirnov statistic of two arrays; None where one has no value."""
    left, right = _sorted(real), _sorted(synthetic)
    if not len(left) or not len(right):
        return None
    steps, below_left, below_right = _cumulative(left, right)
    return float(np.abs(below_left - below_right).max()) if len(steps) else 0.0


def wasserstein(frames: Frames) -> MetricResult:
    """Mean over numbers of the distance that values must move, in standard deviations."""
    numbers = frames.of("number", "moment")
    moved = _moves(numbers, frames.truth, frames.synthetic)
    base = _moves(numbers, *frames.halves)
    if not moved:
        return MetricResult(
            "quality",
            "wasserstein",
            "values to move",
            None,
            "lower",
            "Not measured: there are no numbers.",
            _MOVE_SOURCE,
        )
    value, worst = float(np.mean(list(moved.values()))), max(moved, key=lambda name: moved[name])
    return MetricResult(
        "quality", "wasserstein", "values to move", value, "lower",
        f"Numbers would have to move by {value:.2f} standard deviations on average to match the "
        f"real ones; most in `{worst}`, by {moved[worst]:.2f}.",
        _MOVE_SOURCE,
        baseline=float(np.mean(list(base.values()))) if base else None,
        compared=frames.compared, details={"columns": moved},
    )  # fmt: skip


def missing(frames: Frames) -> MetricResult:
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
    return MetricResult(
        "quality", "missing", "missing values", value, "lower", sentence,
        "Largest difference of missing shares",
        baseline=max(map(abs, base.values()), default=None), compared=frames.compared,
        threshold=bound, form="share", details={"columns": apart},
    )  # fmt: skip


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
