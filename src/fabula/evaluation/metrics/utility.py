"""Usefulness: a model trained on synthetic rows, tested on real ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError, column_hint
from fabula.evaluation.metrics.boosting import Task, auc, features, predict
from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric

LOSS = 0.05
"""A model may lose this much of its score when it learns from synthetic rows."""

MOST_ROWS = 50_000
"""Rows of each table that a model learns from or is tested with."""

MOST_CLASSES = 20

_WHAT = {"text": "a text", "key": "a key", "other": "a list, a structure or without values"}


@METRICS.add
@metric(
    "quality.utility", "TSTR utility (train on synthetic, test on real)", better="higher",
    source="Train on synthetic, test on real (Esteban, Hyland and Rätsch 2017)", extra="learned",
    place=120,
)  # fmt: skip
def utility(frames: Frames, target: str) -> Score:
    """Score on real rows of a model that learned from synthetic ones; baseline: from real ones.

    The score is the AUC of a class (the mean over classes if there are several), or the
    explained variance of a number.

    Args:
        frames: The prepared tables.
        target: The column to predict.

    Raises:
        UsageError: There is no such column, or it can't be predicted.
        PrerequisiteError: The extra `learned` is not installed.
    """
    column = outcome_column(frames, target)
    train, test = frames.halves if frames.holdout is None else (frames.truth, frames.holdout)
    synthetic = frames.sample(frames.synthetic, MOST_ROWS, "utility of synthetic rows")
    real = frames.sample(train, MOST_ROWS, "utility of real rows")
    test = frames.sample(test, MOST_ROWS, "utility test")
    score, baseline = (model_score(frames, column, part, test) for part in (synthetic, real))
    measure = "R²" if column.family != "category" else "AUC"
    if score is None or baseline is None:
        sentence = f"Not measured: `{target}` has fewer than two values in one of the tables."
        return Score(None, sentence)
    return Score(
        score,
        f"A model of `{target}` that learned from synthetic rows reaches {measure} {score:.2f} on "
        f"real rows that it never saw; one that learned from real rows reaches {baseline:.2f}.",
        baseline=baseline,
        compared="trained on real",
        threshold=baseline - LOSS,
        details={"target": target, "measure": measure, "test_rows": test.rows},
    )


def outcome_column(frames: Frames, name: str) -> Column:
    """The column to predict.

    Raises:
        UsageError: There is no such column, or it can't be predicted.
    """
    column = frames.column(name)
    if column is None:
        names = [item.name for item in frames.columns]
        raise UsageError(
            f"there is no column `{name}` in both tables",
            code="evaluate.unknown-column",
            hint=column_hint(name, names),
        )
    if column not in frames.measured:
        raise UsageError(
            f"column `{name}` is {_WHAT[column.family]}, which can't be predicted or grouped by",
            code="evaluate.column",
            hint="choose a category, a number or a moment",
        )
    return column


def model_score(frames: Frames, target: Column, train: Frame, test: Frame) -> float | None:
    """How well trees that learned from `train` predict the target in `test`; None if they can't."""
    columns = [column for column in frames.measured if column.name != target.name]
    known, asked = _known(target, train), _known(target, test)
    answers, truth = train[target.name][known], test[target.name][asked]
    rows, questions = features(columns, train)[known], features(columns, test)[asked]
    if not columns or len(np.unique(answers)) < 2 or len(np.unique(truth)) < 2:
        return None

    def guess(task: Task, classes: int = 2) -> NDArray[np.float64]:
        return predict(
            columns, rows, answers, questions,
            task=task, classes=classes, seed=frames.seed, needed_by="`quality.utility`",
        )  # fmt: skip

    if target.family != "category":
        return float(1 - ((truth - guess("regression")) ** 2).mean() / truth.var())
    codes, answers, truth = _classes(answers, truth)
    if codes == 2:
        return auc(truth, guess("binary"))
    guessed = guess("multiclass", codes)
    return float(np.mean([auc(truth == code, guessed[:, code]) for code in np.unique(truth)]))


def _known(target: Column, frame: Frame) -> Array:
    values = frame[target.name]
    known: Array = ~np.isnan(values) if target.family != "category" else values > 0
    return known


def _classes(answers: Array, truth: Array) -> tuple[int, Array, Array]:
    """Labels numbered from 0 by how frequent they are in reality; rare ones share the last."""
    labels, counts = np.unique(truth, return_counts=True)
    order = labels[np.argsort(-counts, kind="stable")]
    extra = np.setdiff1d(np.unique(answers), labels)
    number = {int(label): at for at, label in enumerate([*order, *extra])}
    most = MOST_CLASSES - 1
    coded = [
        np.array([min(number[int(label)], most) for label in column]) for column in (answers, truth)
    ]
    return min(len(number), MOST_CLASSES), coded[0], coded[1]
