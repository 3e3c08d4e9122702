"""Learning curves and coverage: what parts of a set teach, and which real rows lie near it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.extras import missing_extra
from fabula.streams import stream

FEWEST = 20
"""Rows that a set and an evaluation set need."""
FOLDS = 5
"""Parts of the real rows, each of which is told by the others."""
_PARTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
_DRAWS, _NEIGHBOURS, _AT_ONCE = 3, 5, 2_048

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Point:
    """What a part of the set teaches.

    Attributes:
        rows: Rows of the part.
        f1: F1 of the labels on the real rows, each label counting the same; the mean of three
            draws. Of preference pairs, their accuracy.
        accuracy: Share of the real rows whose label is found, or of the pairs whose chosen answer
            gets the higher reward.
    """

    rows: int
    f1: float
    accuracy: float


def curve(size: int, teach: Callable[[Rows], Point | None]) -> list[Point]:
    """What growing parts of a set teach; each draw nests its parts, and the whole comes last.

    `teach` gives None for rows that teach nothing.
    """
    orders = [stream(0, "worth", "rows", draw).permutation(size) for draw in range(_DRAWS)]
    points = []
    for part in sorted({round(share * size) for share in _PARTS}):
        found = [teach(order[:part]) for order in orders]
        taught = [point for point in found if point is not None]
        if len(taught) == len(found):
            means = [np.mean([getattr(p, name) for p in taught]) for name in ("f1", "accuracy")]
            points.append(Point(part, float(means[0]), float(means[1])))
    whole = teach(np.arange(size))
    return [*points, *([whole] if whole is not None else [])]


def folds_of(groups: NDArray[Any]) -> Rows:
    """A fold for each row, such that every group is spread over the folds."""
    folds = np.zeros(len(groups), dtype=np.int64)
    order = stream(0, "worth", "folds", 0).permutation(len(groups))
    for name in np.unique(groups):
        rows = order[groups[order] == name]
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


def coverage(vectors: Vectors, real: Vectors) -> float:
    """The share of real rows with a row of the set within their own neighbourhood."""
    covered = 0
    for start in range(0, len(real), _AT_ONCE):
        part = real[start : start + _AT_ONCE]
        own = np.sort(part @ real.T, axis=1)[:, -_NEIGHBOURS - 1]  # a row is its own neighbour
        best = np.full(len(part), -1.0, dtype=np.float32)
        for at in range(0, len(vectors), _AT_ONCE):
            best = np.maximum(best, (part @ vectors[at : at + _AT_ONCE].T).max(axis=1))
        covered += int((best >= own - 1e-6).sum())
    return covered / len(real)


def light_classifier(**settings: Any) -> Any:
    """An untrained logistic regression.

    Raises:
        PrerequisiteError: The extra `texts` is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as exc:
        raise missing_extra(exc, needed_by="`fb.worth`") or exc from exc
    return LogisticRegression(max_iter=1_000, **settings)


def demand_rows(count: int, what: str, of: str) -> None:
    """Refuse sets that are too small to measure.

    Raises:
        UsageError: There are too few rows.
    """
    if count < FEWEST:
        raise UsageError(
            f"{what} has {count} rows with {of}",
            code="usage.rows",
            hint=f"give {FEWEST} rows or more",
        )


def by_heart(shared: int, what: str) -> list[str]:
    """The line that says how many real rows, or pairs, are in the set, too; none if none is."""
    if not shared:
        return []
    return [
        f"of the real {what}, {shared:,} are in the set word by word: they test what it learned by "
        "heart, so the score says too much"
    ]
