"""The linear part of a column of numbers, given earlier columns; trees learn the rest.

Trees follow a straight line in steps, and stop before the last ones. So a column's decisions start
from a regression: where normal scores y of a column follow x with y = βx + ε and ε of variance σ²,
the log-odds of two of its values are (y₂ - y₁) βx / σ² plus a constant. The index βx / σ² is one
number per row, the distance y₂ - y₁ one a decision. Everything is whole numbers when rows are
drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fabula.synthesizers.model import CellColumn, Codes
from fabula.synthesizers.models.boosted.cell_tree import CellTree
from fabula.synthesizers.models.boosted.compiled import compiled, part_of_compiled
from fabula.synthesizers.models.boosted.features import is_rare_flag
from fabula.synthesizers.models.boosted.odds import UNIT, score

STEP = 256
"""Normal scores and indices are counted in steps of 1/256: their sums are exact in any order."""

SHIFT = 16
"""Slopes are multiples of 2^-16."""

MOST_LEVELS = 8
"""Labels of a column, the most frequent ones, that have a coefficient of their own."""

LEAST_T, RIDGE = 3.0, 5.0
"""Coefficients below that many standard errors are 0; rows that pull each one towards 0."""

RIDGE_OF_FLAG, LEAST_FLAGGED = 0.5, 5
"""The same for a rare flag; and rows with it that a decision needs to follow it."""

LEAST_GAIN = 2.0
"""Nats that a level's slope has to gain."""

_MOST_INDEX = 2**20

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Line:
    """The regression of one column.

    Attributes:
        uses: Positions of the columns that it looks at.
        tables: What each of their cells adds to the index; one array per column.
        slopes: For each decision what the index adds to its score, times 2^SHIFT.
        means: For each decision the mean index of its rows.
    """

    uses: tuple[int, ...]
    tables: tuple[NDArray[np.int32], ...]
    slopes: NDArray[np.int64]
    means: NDArray[np.int64]

    @classmethod
    def none(cls, decisions: int) -> Line:
        """No regression."""
        return cls((), (), np.zeros(decisions, np.int64), np.zeros(decisions, np.int64))

    def index(self, codes: Codes) -> NDArray[np.int64]:
        """The index of each row, from the codes of all columns."""
        found = np.zeros(len(codes), np.int64)
        for at, table in zip(self.uses, self.tables, strict=True):
            found += table[codes[:, at]]
        return np.clip(found, -_MOST_INDEX, _MOST_INDEX)

    def added(self, nodes: NDArray[np.int32], index: NDArray[np.int64]) -> NDArray[np.int64]:
        """What is added to the scores of rows at some decisions."""
        return (self.slopes[nodes] * (index - self.means[nodes])) >> SHIFT


def is_regressed(column: CellColumn) -> bool:
    """Whether a column has a regression; others follow a rare flag, if there is one."""
    return column.ordered and column.cells - column.missing > 2


def cell_scores(column: CellColumn) -> NDArray[np.int32]:
    """Numbers that stand for each cell of a column in regressions, shape (cells, numbers)."""
    known = column.cells - column.missing
    cells = np.arange(column.cells)
    flags = [(cells == known) * STEP] if column.missing and known else []
    if not column.ordered:
        levels = np.argsort(-column.counts[:known], kind="stable")[:MOST_LEVELS]
        labels = [(cells == level) * STEP for level in levels[: max(0, column.cells - 1)]]
        return np.stack([*labels, *flags, np.zeros(column.cells)], axis=1).astype(np.int32)
    counts = column.counts[:known] + 1e-9
    middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1e-9)
    normal = np.zeros(column.cells)
    normal[:known] = np.rint(ndtri(np.clip(middle, 1e-4, 1 - 1e-4)) * STEP)
    return np.stack([normal, *flags], axis=1).astype(np.int32)


def learn_line(
    at: int,
    tree: CellTree,
    codes: Codes,
    columns: Sequence[CellColumn],
    scores: Sequence[NDArray[np.int32]],
    *,
    earlier: Sequence[int],
) -> Line:
    """The regression of a column of numbers on earlier columns, without slopes so far.

    Args:
        at: The column's position.
        tree: Its decisions.
        codes: Training rows.
        columns: All columns.
        scores: `cell_scores` of all columns.
        earlier: Positions of the columns that it is predicted from.
    """
    column = columns[at]
    known = column.cells - column.missing
    rows = codes[codes[:, at] < known] if column.missing else codes
    nothing = Line.none(len(tree.middle))
    if not is_regressed(column):
        return _of_flag(columns, earlier, nothing)
    if not earlier or len(rows) < 50:
        return nothing
    owners = np.repeat(np.array(earlier), [scores[other].shape[1] for other in earlier])
    parts = [scores[other][rows[:, other]] for other in earlier]
    design = np.concatenate([*parts, scores[at][rows[:, at], :1]], axis=1).astype(float)
    gram = design.T @ design  # whole numbers below 2^53: exact
    gram -= np.outer(design.sum(axis=0), design.sum(axis=0)) / len(rows)
    gram /= STEP**2
    kept = np.flatnonzero(np.diag(gram)[:-1] > 1)
    ridge = np.where([is_rare_flag(columns[other]) for other in owners], RIDGE_OF_FLAG, RIDGE)
    for _ in range(2):
        if not len(kept):
            return nothing
        inverse = np.linalg.inv(gram[np.ix_(kept, kept)] + np.diag(ridge[kept]))
        beta = inverse @ gram[kept, -1]
        variance = max((gram[-1, -1] - beta @ gram[kept, -1]) / len(rows), 1e-2)
        strong = np.abs(beta) > LEAST_T * np.sqrt(variance * np.diag(inverse))
        kept, beta = kept[strong], beta[strong]
    uses = tuple(int(other) for other in earlier if (owners[kept] == other).any())
    tables = []
    for other in uses:
        first = int(np.flatnonzero(owners == other)[0])
        own = owners[kept] == other
        table = scores[other][:, kept[own] - first] @ beta[own] / variance
        tables.append(np.rint(table).astype(np.int32))
    middles = scores[at][:, 0] / STEP
    return Line(uses, tuple(tables), _distances(tree, column, middles), nothing.means)


def fitted_level(
    line: Line,
    nodes: NDArray[np.int32],
    index: NDArray[np.int64],
    *,
    answers: NDArray[np.uint8],
    scores: NDArray[np.int32],
    span: tuple[int, int],
) -> None:
    """Put the slopes and means of one level's decisions in place: no slope without a gain.

    Args:
        line: The regression; slopes of the level still are distances. Changed in place.
        nodes: Each row's decision.
        index: Each row's index.
        answers: Which rows go right.
        scores: The score of each row's decision.
        span: The level's first decision, and the one after its last.
    """
    first, last = span
    counts = np.bincount(nodes - first, minlength=last - first)
    sums = np.bincount(nodes - first, weights=index, minlength=last - first)
    line.means[first:last] = np.rint(sums / np.maximum(counts, 1)).astype(np.int64)
    distances = line.slopes[first:last] / 2.0**SHIFT
    line.slopes[first:last] = 0
    x = distances[nodes - first] * (index - line.means[nodes]) / STEP
    gamma, gain = _slope(x, scores / UNIT, answers)
    if gain >= LEAST_GAIN:
        steps = gamma * distances * (UNIT / STEP) * 2.0**SHIFT
        line.slopes[first:last] = np.rint(steps).astype(np.int64)


def flagged_level(
    line: Line,
    nodes: NDArray[np.int32],
    index: NDArray[np.int64],
    *,
    answers: NDArray[np.uint8],
    scores: NDArray[np.int32],
    span: tuple[int, int],
) -> None:
    """As `fitted_level`, for a column that follows a rare flag: by how much each score moves."""
    first, last = span
    here, own = nodes[index > 0] - first, np.zeros(last - first)
    own[nodes - first] = 1 / (1 + np.exp(-scores / UNIT))
    rows = np.bincount(here, minlength=last - first)
    right = np.bincount(here, weights=answers[index > 0], minlength=last - first)
    share = (right + own) / (rows + 1)
    moved = score(share) - score(own)
    steps = np.where(rows >= LEAST_FLAGGED, moved, 0) / STEP
    line.slopes[first:last] = np.rint(steps * 2.0**SHIFT).astype(np.int64)


def _of_flag(columns: Sequence[CellColumn], earlier: Sequence[int], nothing: Line) -> Line:
    """The index of the rarest flag among earlier columns."""
    flags = [other for other in earlier if is_rare_flag(columns[other])]
    if not flags:
        return nothing
    flag = min(flags, key=lambda other: int(columns[other].counts[:2].min()))
    table = np.zeros(columns[flag].cells, np.int32)
    table[int(columns[flag].counts[:2].argmin())] = STEP
    return Line((flag,), (table,), nothing.slopes, nothing.means)


@compiled
def _slope(x: Floats, base: Floats, answers: NDArray[np.uint8]) -> tuple[float, float]:
    """The logistic regression of answers on x alone, and the nats that it gains (Newton)."""
    gamma = 0.0
    for _ in range(6):
        slope, curve = 0.0, 1.0
        for i in range(len(x)):
            p = 1 / (1 + np.exp(-base[i] - gamma * x[i]))
            slope += x[i] * (answers[i] - p)
            curve += x[i] * x[i] * p * (1 - p)
        gamma += slope / curve
        if abs(slope / curve) < 1e-12:
            break
    gamma = min(max(gamma, 0.0), 2.0)
    gain = 0.0
    for i in range(len(x)):
        after = base[i] + gamma * x[i]
        gain += _softplus(base[i]) - _softplus(after) + answers[i] * (after - base[i])
    return gamma, gain


@part_of_compiled
def _softplus(z: float) -> float:
    return float(max(z, 0.0) + np.log1p(np.exp(-abs(z))))


def _distances(tree: CellTree, column: CellColumn, middles: Floats) -> NDArray[np.int64]:
    """How far the mean scores of a decision's two sides lie apart, times 2^SHIFT."""
    counts = column.counts + 1e-9
    rows = np.concatenate([[0.0], np.cumsum(counts)])
    sums = np.concatenate([[0.0], np.cumsum(counts * middles)])

    def mean(first: NDArray[np.int32], end: NDArray[np.int32]) -> Floats:
        return np.asarray((sums[end] - sums[first]) / (rows[end] - rows[first]))

    apart = mean(tree.middle, tree.end) - mean(tree.first, tree.middle)
    if column.missing:  # being missing is not a larger value
        apart[tree.end == column.cells] = 0.0
    return np.rint(apart * 2.0**SHIFT).astype(np.int64)
