"""Gradient-boosted trees as metrics use them: fit on some rows, predict others.

Needs the extra `learned`; the same seed gives the same trees.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError
from fabula.evaluation.metrics.frames import Array, Column, Frame
from fabula.evaluation.metrics.lightgbm_calls import boosted
from fabula.io.arrays import mean_ranks

Task: TypeAlias = Literal["binary", "multiclass", "regression"]

ROUNDS = 100
MOST_LEVELS = 250
"""Rarer labels of a category share one code."""


def features(columns: list[Column], frame: Frame) -> NDArray[np.float64]:
    """A frame as the trees read it: numbers with NaN, and codes of categories."""
    arrays = [
        np.minimum(frame[column.name], MOST_LEVELS)
        if column.family == "category"
        else frame[column.name]
        for column in columns
    ]
    return np.column_stack(arrays).astype(float) if arrays else np.zeros((frame.rows, 0))


def predict(
    columns: list[Column],
    train: NDArray[np.float64],
    labels: Array,
    test: NDArray[np.float64],
    *,
    task: Task,
    classes: int = 2,
    weights: Array | None = None,
    seed: int = 0,
    needed_by: str,
) -> NDArray[np.float64]:
    """Fit on `train` and predict `test`: probabilities (by class if there are several).

    Rows count by their weights, if there are any.

    Raises:
        PrerequisiteError: The extra `learned` is not installed.
    """
    settings: dict[str, Any] = {
        "objective": task,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,  # threads that wait for each other cost more than they bring
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_data_in_leaf": max(1, min(20, len(train) // 20)),
        "min_data_in_bin": 1,
        "categorical_feature": [at for at, c in enumerate(columns) if c.family == "category"],
        "verbosity": -1,
    }
    if task == "multiclass":
        settings["num_class"] = classes
    try:
        return boosted(train, labels, test, settings=settings, rounds=ROUNDS, weights=weights)
    except ImportError as exc:
        raise PrerequisiteError.for_extra("learned", needed_by=needed_by) from exc


def auc(labels: Array, scores: Array) -> float:
    """Chance that a positive scores above a negative, ties counted half (Mann-Whitney)."""
    positive = labels > 0
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return 0.5
    return float((mean_ranks(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))
