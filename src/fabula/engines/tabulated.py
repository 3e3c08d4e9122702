"""Distribution functions as tables, if they have no formula."""

from __future__ import annotations

import numpy as np

from fabula.engines.families import Floats

GRID = 20_001
EDGE = 1e-12


def table_of(y: Floats, log_density: Floats) -> tuple[Floats, Floats]:
    """Cumulative probability over a grid, by the trapezoidal rule on a smooth decaying density."""
    density = np.exp(log_density - log_density.max())
    total = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    total /= total[-1]
    rising = np.concatenate(([True], np.diff(total) > 0))
    return y[rising], total[rising]
