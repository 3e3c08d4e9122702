"""Classifier two-sample tests: can a model tell synthetic rows from real ones?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.boosting import auc, features, predict
from fabula.evaluation.metrics.distances import Space
from fabula.evaluation.metrics.frames import Array, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.render.amounts import percent

DETECTION = 0.80
MOST_ROWS = 10_000
"""Rows of each side that the classifier sees."""

FOLDS = 3
RIDGE = 1e-2
STEPS = 8
_SOURCE = "Classifier two-sample test (Lopez-Paz and Oquab 2017); AUC, out of fold"


@METRICS.add
@metric(
    "quality.detection", "detection (boosted trees)", better="lower", source=_SOURCE,
    extra="learned", place=110,
)  # fmt: skip
def detection(frames: Frames) -> Score:
    """AUC of gradient-boosted trees that tell synthetic from real rows; 0.5 is a guess.

    Raises:
        PrerequisiteError: The extra `learned` is not installed.
    """
    value = told_apart(frames, frames.truth, frames.synthetic)
    base = told_apart(frames, *frames.halves)
    return _score(frames, "Boosted trees", value, base)


@METRICS.add
@metric(
    "quality.linear_detection", "detection (logistic regression)", better="lower", source=_SOURCE,
    place=90,
)  # fmt: skip
def linear_detection(frames: Frames) -> Score:
    """AUC of a logistic regression that tells synthetic from real rows; 0.5 is a guess."""
    value = _linear(frames, frames.truth, frames.synthetic)
    base = _linear(frames, *frames.halves)
    return _score(frames, "A logistic regression", value, base)


def _score(frames: Frames, who: str, value: float | None, base: float | None) -> Score:
    if value is None:
        sentence = "Not measured: there are too few rows or no columns to compare."
    elif value < 0.55:
        sentence = f"{who} can hardly tell a synthetic row from a real one."
    else:
        sentence = (
            f"Given one real and one synthetic row, {who.lower()} would pick the synthetic one "
            f"in {percent(value)} of cases; 50 % is a guess."
        )
    return Score(
        value,
        sentence,
        baseline=base,
        compared=frames.compared,
        threshold=DETECTION,
        details={"most_rows": MOST_ROWS, "folds": FOLDS},
    )


def told_apart(frames: Frames, real: Frame, synthetic: Frame) -> float | None:
    """AUC of boosted trees that tell two frames' rows apart; None if there are too few."""
    columns = frames.measured
    left, right = _sides(frames, real, synthetic)
    rows = np.concatenate([features(columns, left), features(columns, right)])
    labels = np.repeat([0, 1], [left.rows, right.rows])
    if not columns or min(left.rows, right.rows) < 2 * FOLDS:
        return None

    def fit(train: Array, test: Array) -> Array:
        return predict(
            columns, rows[train], labels[train], rows[test],
            task="binary", seed=frames.seed, needed_by="`quality.detection`",
        )  # fmt: skip

    return _out_of_fold(frames, labels, fit)


def _linear(frames: Frames, real: Frame, synthetic: Frame) -> float | None:
    left, right = _sides(frames, real, synthetic)
    if not frames.measured or min(left.rows, right.rows) < 2 * FOLDS:
        return None
    space = Space.of(frames)
    rows = np.concatenate([space.points(left), space.points(right)]).astype(float)
    labels = np.repeat([0, 1], [left.rows, right.rows])
    return _out_of_fold(
        frames, labels, lambda train, test: _logistic(rows[train], labels[train], rows[test])
    )


def _sides(frames: Frames, real: Frame, synthetic: Frame) -> tuple[Frame, Frame]:
    """Equally many rows of both sides."""
    most = min(real.rows, synthetic.rows, MOST_ROWS)
    return (
        frames.sample(real, most, "detection of real rows"),
        frames.sample(synthetic, most, "detection of synthetic rows"),
    )


def _out_of_fold(frames: Frames, labels: Array, fit: Callable[[Array, Array], Array]) -> float:
    """AUC of predictions for rows that the model did not see; never below a guess."""
    order = frames.rng("folds").permutation(len(labels))
    scores = np.empty(len(labels))
    for fold in range(FOLDS):
        test = order[fold::FOLDS]
        train = np.setdiff1d(order, test)
        scores[test] = fit(train, test)
    return max(0.5, auc(labels, scores))


def _logistic(
    train: NDArray[np.float64], labels: Array, test: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log-odds of a ridge logistic regression, by Newton steps."""
    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1)
    x = np.column_stack([np.ones(len(train)), (train - mean) / scale])
    weights = np.zeros(x.shape[1])
    penalty = RIDGE * len(x) / x.shape[1] * np.eye(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (labels - p) - penalty @ weights
        curve = (x * (p * (1 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(curve, slope)
        weights += step
        if np.abs(step).max() < 1e-3:
            break
    odds: NDArray[np.float64] = weights[0] + ((test - mean) / scale) @ weights[1:]
    return odds
