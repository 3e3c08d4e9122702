"""The few features that tell most of an answer, each by itself.

What a child is often depends on one or two columns of its parents, and trees find them first. But
before their leaves have grown to the size that is right, the noise of all other columns ends the
boosting, and labels that never go together do so in a few rows. So trees of these features alone
come first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.models.boosted.training import Rows

MOST = 3
"""Features that come first, at most."""

_ROWS, _PARTS, _PRIOR = 8_000, 8, 2.0


def main_features(rows: Rows) -> NDArray[np.int64]:
    """The places of the features that tell most, and of the node; none if no feature tells.

    A feature tells what the shares of its codes in each node say of a row that is not counted in
    them, beyond the node's own.
    """
    answers = rows.answers[:_ROWS].astype(np.int64)
    nodes = rows.bins[-1, :_ROWS].astype(np.int64)
    share = float(answers.mean())
    alone, shares = _left_out(nodes, answers, np.full(int(nodes.max()) + 1, share))
    gains = np.zeros(len(rows.bins) - 1)
    for at in range(len(gains)):
        codes = rows.bins[at, :_ROWS].astype(np.int64)
        size = int(rows.sizes[at])
        if rows.ordered[at] and size > _PARTS:
            codes, size = codes * _PARTS // size, _PARTS
        gains[at] = _left_out(nodes * size + codes, answers, np.repeat(shares, size))[0] - alone
    best = np.argsort(-gains, kind="stable")[:MOST]
    best = best[gains[best] > 0]
    return np.append(np.sort(best), len(gains)) if len(best) else best


def _left_out(
    cells: NDArray[np.int64], answers: NDArray[np.int64], prior: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """The log-likelihood of rows by the other rows of their cells, and the share of each cell."""
    rows = np.bincount(cells, minlength=len(prior)).astype(float)
    yes = np.bincount(cells, answers, minlength=len(prior))
    no = rows - yes
    others = np.maximum(rows - 1, 0) + _PRIOR
    with np.errstate(divide="ignore", invalid="ignore"):
        said = yes * np.log((np.maximum(yes - 1, 0) + _PRIOR * prior) / others)
        said += no * np.log((np.maximum(no - 1, 0) + _PRIOR * (1 - prior)) / others)
    return float(np.nansum(said)), (yes + _PRIOR * prior) / (rows + _PRIOR)
