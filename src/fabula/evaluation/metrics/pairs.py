"""Quality of pairs of columns: whether what goes together in the real data still does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames, inner_edges
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.render.amounts import percent

PAIRS = 0.85

BINS = 10
"""Bins of a number that is paired with a category, equally wide over the real range."""

MOST_PAIRS = 1_500
"""Pairs with a category that are compared; of more, a sample is drawn by seed."""

MOST_ROWS = 50_000
"""Rows of each frame that pairs with a category look at."""


@dataclass(frozen=True)
class Pair:
    """How alike one pair of columns is in two frames.

    Attributes:
        first: A column's name.
        second: Another column's name.
        score: 1 where the pair behaves the same, 0 if nothing is alike.
        real: The real correlation, of two numbers.
        synthetic: The synthetic correlation, of two numbers.
    """

    first: str
    second: str
    score: float
    real: float | None = None
    synthetic: float | None = None


@METRICS.add
@metric(
    "quality.pairs",
    "column-pair trends",
    better="higher",
    source="1 - |difference of Pearson correlations| / 2; 1 - total variation of contingency "
    "tables",
    place=20,
)
def pairs(frames: Frames) -> Score:
    """Mean over pairs of columns of how alike their relation is."""
    found = compared_pairs(frames, frames.truth, frames.synthetic)
    base = compared_pairs(frames, *frames.halves)
    if not found:
        return Score(None, "Not measured: there is no pair of columns to compare.")
    value = float(np.mean([pair.score for pair in found]))
    worst = sorted(found, key=lambda pair: pair.score)[:20]
    return Score(
        value,
        (
            f"Relations between two columns agree to {percent(value)} on average; the one between "
            f"`{worst[0].first}` and `{worst[0].second}` is the farthest off, at "
            f"{percent(worst[0].score)}."
            if worst[0].score < 1
            else "Every pair of columns behaves exactly as in the real data."
        ),
        baseline=float(np.mean([pair.score for pair in base])) if base else None,
        compared=frames.compared,
        threshold=PAIRS,
        details={"pairs": len(found), "worst": [vars(pair) for pair in worst]},
    )


def compared_pairs(frames: Frames, real: Frame, synthetic: Frame) -> list[Pair]:
    """Every pair of columns that can be compared, in the order of the columns."""
    numbers = [column for column in frames.measured if column.family != "category"]
    found = _number_pairs(numbers, real, synthetic)
    others = [
        pair
        for pair in combinations(frames.measured, 2)
        if "category" in (pair[0].family, pair[1].family)
    ]
    if len(others) > MOST_PAIRS:
        drawn = frames.rng("pairs").choice(len(others), MOST_PAIRS, replace=False)
        others = [others[at] for at in np.sort(drawn)]
    left = frames.sample(real, MOST_ROWS, "pairs of real rows")
    right = frames.sample(synthetic, MOST_ROWS, "pairs of synthetic rows")
    bins = {c.name: _binned(c, left[c.name], right[c.name]) for c in frames.measured if others}
    for first, second in others:
        score = 1 - _table_distance(bins[first.name], bins[second.name])
        found.append(Pair(first.name, second.name, score))
    place = {column.name: at for at, column in enumerate(frames.measured)}
    return sorted(found, key=lambda pair: (place[pair.first], place[pair.second]))


def correlations(columns: list[Column], frame: Frame) -> NDArray[np.float64]:
    """Pearson correlations of numbers, each over the rows where both are known.

    Undefined ones, such as those of a constant, are NaN.
    """
    values = np.column_stack([frame[column.name] for column in columns])
    known = ~np.isnan(values)
    counts = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0)
    centred = np.where(known, values - filled.sum(axis=0) / counts, 0)
    scale = np.sqrt((centred**2).sum(axis=0) / counts)
    centred /= np.where(scale > 0, scale, 1)
    here = known.astype(float)
    both = np.maximum(here.T @ here, 1)
    means = centred.T @ here / both
    squares = (centred**2).T @ here / both - means**2
    spreads = np.sqrt(np.maximum(squares * squares.T, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = (centred.T @ centred / both - means * means.T) / spreads
    found[spreads < 1e-12] = np.nan
    return np.clip(found, -1, 1)


def _number_pairs(numbers: list[Column], real: Frame, synthetic: Frame) -> list[Pair]:
    if len(numbers) < 2:
        return []
    left, right = correlations(numbers, real), correlations(numbers, synthetic)
    return [
        Pair(
            numbers[i].name,
            numbers[j].name,
            float(1 - abs(left[i, j] - right[i, j]) / 2),
            float(left[i, j]),
            float(right[i, j]),
        )
        for i, j in combinations(range(len(numbers)), 2)
        if np.isfinite(left[i, j]) and np.isfinite(right[i, j])
    ]


@dataclass(frozen=True)
class _Binned:
    """A column of two frames as codes below `size`; 0 is missing."""

    real: Array
    synthetic: Array
    size: int


def _binned(column: Column, real: Array, synthetic: Array) -> _Binned:
    if column.family == "category":
        return _Binned(real.astype(np.int64), synthetic.astype(np.int64), len(column.levels) + 1)
    filled = real[~np.isnan(real)]
    edges = inner_edges(filled if len(filled) else np.zeros(1), BINS)

    def code(values: Array) -> Array:
        return np.where(np.isnan(values), 0, np.digitize(values, edges) + 1)

    return _Binned(code(real), code(synthetic), BINS + 1)


def _table_distance(first: _Binned, second: _Binned) -> float:
    """Total variation of two contingency tables."""
    left = first.real * second.size + second.real
    right = first.synthetic * second.size + second.synthetic
    cells = first.size * second.size
    if cells > 4 * (len(left) + len(right)):
        _, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
        left, right = codes[: len(left)], codes[len(left) :]
        cells = int(codes.max()) + 1
    shares = np.bincount(left, minlength=cells) / len(left)
    shares -= np.bincount(right, minlength=cells) / len(right)
    return float(np.abs(shares).sum() / 2)
