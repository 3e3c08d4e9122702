"""The few features that tell most of an answer, each beyond those before it.

What a child is often depends on one or two columns of its parents, and trees find them first. But
before their leaves have grown to the size that is right, the noise of all other columns ends the
boosting, and labels that never go together do so in a few rows. So trees of these features alone
come first. Where parents are few, columns that tell nothing go with one that does by chance:
so each feature is judged by what it adds to those that were taken before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.models.boosted.training import Rows

MOST = 3
"""Features that come first, at most."""

LEAST_GAIN = 2.0
"""Nats that a feature adds at least."""

_ROWS, _PARTS, _PRIOR, _FURTHER = 8_000, 8, 1.0, 3
"""Rows that are looked at, parts of an ordered feature, curvature that a step starts from, and
further steps of a feature that is taken."""

Floats = NDArray[np.float64]


def main_features(rows: Rows) -> NDArray[np.int64]:
    """The places of the features that tell most, and of the node; none if no feature tells.

    What a feature tells is the likelihood that a row gains by one step of a regression on its code
    in each node, learned from all other rows.
    """
    answers = rows.answers[:_ROWS].astype(float)
    nodes = rows.bins[-1, :_ROWS].astype(np.int64)
    share = np.clip(answers.mean(), 1e-3, 1 - 1e-3)
    odds = _stepped(nodes, answers, np.full(len(answers), np.log(share / (1 - share))))
    found: list[int] = []
    cells = [_cells(rows, at, nodes) for at in range(len(rows.bins) - 1)]
    free = list(range(len(cells)))
    while free and len(found) < MOST:
        steps = {at: _stepped(cells[at], answers, odds) for at in free}
        gains = {at: _likelihood(answers, after) for at, after in steps.items()}
        best = max(free, key=lambda at: gains[at])
        if gains[best] < _likelihood(answers, odds) + LEAST_GAIN:
            break
        odds = steps[best]
        for _ in range(_FURTHER):  # what a step leaves would be told by columns that go with it
            odds = _stepped(cells[best], answers, odds)
        found.append(best)
        free.remove(best)
    return np.array([*sorted(found), len(rows.bins) - 1] if found else [], np.int64)


def _cells(rows: Rows, at: int, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The code of a feature in each node."""
    codes, size = rows.bins[at, :_ROWS].astype(np.int64), int(rows.sizes[at])
    if rows.ordered[at] and size > _PARTS:
        codes, size = codes * _PARTS // size, _PARTS
    return nodes * size + codes


def _stepped(cells: NDArray[np.int64], answers: Floats, odds: Floats) -> Floats:
    """Log-odds after a step towards what the other rows of each row's cell answer."""
    chances = 1 / (1 + np.exp(-odds))
    slopes, curves = answers - chances, chances * (1 - chances)
    slope = np.bincount(cells, slopes)[cells] - slopes
    curve = np.bincount(cells, curves)[cells] - curves
    return np.asarray(np.clip(odds + slope / (curve + _PRIOR), -8, 8))


def _likelihood(answers: Floats, odds: Floats) -> float:
    return float((answers * odds - np.logaddexp(0, odds)).sum())
