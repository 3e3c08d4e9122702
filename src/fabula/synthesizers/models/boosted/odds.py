"""Log-odds as whole numbers, so that training and sampling give the same on every machine.

A score is a log-odds in units of 1/1024, from -16 to 16. Chances come from a table of 32-bit
thresholds: a uniform 32-bit number below the threshold means yes. Gradients of the logistic loss
are whole numbers too; gradient and curvature of a row are packed into one 64-bit number, so that
a histogram is one addition a row and sums don't depend on their order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNIT = 1024
HALF = 16 * UNIT
"""Scores run from -HALF to HALF - 1."""

GRADIENT_UNIT = 4096
MOST_ROWS = 2**19
"""Rows whose packed gradients can be added up without overflow."""

_P = 1 / (1 + np.exp(-(np.arange(-HALF, HALF) + 0.5) / UNIT))

THRESHOLDS: NDArray[np.int64] = np.rint(_P * 2.0**32).astype(np.int64)
"""By score (plus HALF): the chance of yes, times 2^32."""

LOSS: NDArray[np.float64] = -np.log(np.stack([1 - _P, _P]))
"""By answer (0, 1) and score: the logistic loss."""


def _packed(least_curve: float) -> NDArray[np.int64]:
    slopes = [np.rint((answer - _P) * GRADIENT_UNIT).astype(np.int64) for answer in (0, 1)]
    curves = np.rint(np.maximum(_P * (1 - _P), least_curve) * GRADIENT_UNIT).astype(np.int64)
    return np.stack([(slope << 32) + curves for slope in slopes])


PACKED: NDArray[np.int64] = _packed(0.0)
"""By answer and score: the negative gradient (upper half) and the curvature (lower half)."""

STEADY: NDArray[np.int64] = _packed(0.05)
"""The same, but no row's curvature vanishes: where a label always goes with another one, rows that
are sure of it would become too light for a leaf before they are as sure as real ones."""


def score(share: NDArray[np.float64] | float) -> NDArray[np.int32]:
    """Shares from 0 to 1 as scores."""
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    units = np.rint(np.log(inside / (1 - inside)) * UNIT)
    return np.asarray(np.clip(units, -HALF, HALF - 1), dtype=np.int32)
