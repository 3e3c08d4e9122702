"""How much of what columns say about each other is kept, weighted by how much they say.

A mean over all pairs hides destroyed relations, because most pairs of a table are independent
anyway and stay so. Here a pair counts by its dependence in the real rows: the distance of its
contingency table from that of independent columns, `D = P(x, y) - P(x) P(y)`. What is kept of it
is `1 - |D_real - D_synthetic| / |D_real|`, less what sampling alone explains. A table whose
columns were shuffled keeps nothing, however well each column fits.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.render.amounts import percent

KEPT = 0.75
"""The share of the real dependence that has to be kept."""

BINS = 6
"""Bins of a number, with as many real rows each."""
LEVELS = 8
"""Labels of a category that count by themselves; the others count together."""
MOST_ROWS = 30_000
MOST_WORK = 2e11
"""Multiplications for one frame; wide tables look at fewer rows."""
CLEAR = 2.0
"""A pair depends on each other if it does by that many times what chance brings."""
FAINT = 0.1
"""Where halves of parents keep less than that, nothing is judged."""
SPLITS = 8
"""Halves of parents that are compared."""
CLOSE = 0.9
"""Of what another sample of real rows keeps, the share that is enough where samples are small."""

Codes = NDArray[np.int64]

SOURCE = "1 - |D_real - D_synthetic| / |D_real|, D = P(x, y) - P(x) P(y), weighted by |D_real|²"


@dataclass(frozen=True)
class Kept:
    """What is kept of the dependence between pairs of columns.

    Attributes:
        first: A column's name.
        second: Another column's name.
        strength: Their dependence in the real rows, from 0 to below 2.
        kept: The share of it that the other rows have, from 0 to 1.
    """

    first: str
    second: str
    strength: float
    kept: float


@METRICS.add
@metric(
    "quality.dependence", "dependence preserved", better="higher", source=SOURCE, form="share",
    place=30,
)  # fmt: skip
def dependence(frames: Frames, parents: Sequence[Codes] = ()) -> Score:
    """The share of the dependence between columns that the synthetic rows have.

    What goes with few rows of another table (most orders are of ten products) is different for ten
    others. Where less is kept than asked for, halves of such rows say how much can be.

    Args:
        frames: The prepared tables.
        parents: The parent of each real row by each of the table's foreign keys.
    """
    found = kept_pairs(frames, frames.measured, frames.truth, frames.synthetic)
    base = kept_pairs(frames, frames.measured, *frames.halves)
    score = dependence_score(found, base, compared=frames.compared)
    if score.value is None or score.threshold is None or score.value >= score.threshold:
        return score
    least = min((_least_kept(frames, codes) for codes in parents), default=1.0)
    if CLOSE * least >= score.threshold:
        return score
    told = f"{score.sentence} Halves of the real data's parents keep only {percent(least)}."
    return replace(score, sentence=told, threshold=CLOSE * least, no_verdict=least < FAINT)


def _least_kept(frames: Frames, parents: Codes) -> float:
    """The least that some halves of parents keep of each other's dependence."""
    rng, least = frames.rng("halves of parents"), 1.0
    for _ in range(SPLITS):
        first = rng.permutation(int(parents.max(initial=-1)) + 1)[parents] % 2 == 0
        halves = [frames.truth.take(np.flatnonzero(half)) for half in (first, ~first)]
        if all(half.rows for half in halves):
            kept = kept_pairs(frames, frames.measured, halves[0], halves[1])
            least = min(least, mean_kept(kept)) if kept else least
    return least


def dependence_score(found: list[Kept], base: list[Kept], *, compared: str) -> Score:
    """The score of some pairs, alongside what another sample of real rows keeps."""
    if not found:
        return Score(None, "Not measured: no columns of the real rows depend on each other.")
    value, fit = mean_kept(found), mean_kept(base) if base else None
    worst = sorted(found, key=lambda pair: (pair.kept - 1) * pair.strength**2)[:20]
    return Score(
        value,
        (
            f"{percent(value)} of the dependence of columns is preserved; for `{worst[0].first}` "
            f"and `{worst[0].second}` it is {percent(worst[0].kept)}."
            if value < 1
            else "All dependence between columns is preserved."
        ),
        baseline=fit,
        compared=compared,
        threshold=KEPT if fit is None else min(KEPT, CLOSE * fit),
        details={"pairs": len(found), "worst": [vars(pair) for pair in worst]},
    )


def mean_kept(pairs: list[Kept]) -> float:
    """The mean of what is kept, weighted by the square of each pair's dependence."""
    weights = np.array([pair.strength**2 for pair in pairs])
    return float(np.average([pair.kept for pair in pairs], weights=weights))


def kept_pairs(
    frames: Frames,
    columns: list[Column],
    real: Frame,
    other: Frame,
    *,
    across: Collection[str] = (),
) -> list[Kept]:
    """Every pair of columns that clearly depend on each other in the real rows.

    Args:
        frames: Where the rows are from; its seed decides samples.
        columns: The columns to pair.
        real: Rows that say how columns depend on each other.
        other: Rows that should be like them.
        across: Only pairs of one of these columns and one that is not among them.
    """
    if len(columns) < 2:
        return []
    width = len(columns) * (BINS + LEVELS) / 2
    most = int(min(MOST_ROWS, max(1_000, MOST_WORK / width**2)))
    left = frames.sample(real, most, "dependence of real rows")
    right = frames.sample(other, most, "dependence of other rows")
    grids = [_grid(column, left[column.name]) for column in columns]
    ours, noise = _tables(grids, [left[column.name] for column in columns])
    theirs, their_noise = _tables(grids, [right[column.name] for column in columns])
    starts = np.cumsum([0, *(grid.size for grid in grids[:-1])])
    strength, apart = (_blocks(np.abs(table), starts) for table in (ours, ours - theirs))
    chance = np.sqrt(noise**2 + their_noise**2)
    found = []
    for i, j in zip(*np.triu_indices(len(columns), 1), strict=True):
        first, second = columns[i].name, columns[j].name
        if across and (first in across) == (second in across):
            continue
        if strength[i, j] > CLEAR * noise[i, j]:
            lost = max(0.0, apart[i, j] - chance[i, j]) / strength[i, j]
            found.append(Kept(first, second, float(strength[i, j]), max(0.0, 1 - float(lost))))
    return found


@dataclass(frozen=True)
class _Grid:
    """How a column's values become codes below `size`; 0 is missing."""

    size: int
    edges: Array | None
    codes: Array | None

    def __call__(self, values: Array) -> Array:
        if self.codes is not None:
            coded: Array = self.codes[values.astype(np.int64)]
            return coded
        assert self.edges is not None
        return np.where(np.isnan(values), 0, np.digitize(values, self.edges) + 1)


def _grid(column: Column, real: Array) -> _Grid:
    if column.family == "category":
        counts = np.bincount(real.astype(np.int64), minlength=len(column.levels) + 1)
        counts[0] = 0
        common = np.argsort(-counts, kind="stable")[:LEVELS]
        codes = np.full(len(column.levels) + 1, 1)
        codes[common] = np.arange(2, 2 + len(common))
        codes[0] = 0
        return _Grid(2 + len(common), None, codes)
    filled = real[~np.isnan(real)]
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = np.unique(np.quantile(filled, inner)) if len(filled) else np.zeros(0)
    return _Grid(2 + len(edges), edges, None)


def _tables(
    grids: list[_Grid], columns: list[Array]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`D` of every pair of cells, and what chance alone brings to the sum over a pair of columns.

    The mean of |D| of one cell of independent columns is that of a normal variable with variance
    p(1 - p) q(1 - q) / n.
    """
    rows = len(columns[0])
    width = sum(grid.size for grid in grids)
    hot = np.zeros((rows, width), np.float32)
    start, spreads = 0, []
    for grid, values in zip(grids, columns, strict=True):
        hot[np.arange(rows), start + grid(values)] = 1
        shares = hot[:, start : start + grid.size].mean(axis=0, dtype=np.float64)
        spreads.append(float(np.sqrt(shares * (1 - shares)).sum()))
        start += grid.size
    shares = hot.mean(axis=0, dtype=np.float64)
    together = (hot.T @ hot).astype(np.float64) / rows
    chance = math.sqrt(2 / math.pi / rows) * np.outer(spreads, spreads)
    return together - np.outer(shares, shares), chance


def _blocks(table: NDArray[np.float64], starts: Array) -> NDArray[np.float64]:
    """The sum over the cells of every pair of columns."""
    summed: NDArray[np.float64] = np.add.reduceat(np.add.reduceat(table, starts, 0), starts, 1)
    return summed
