"""Where latent vectors lie: a mixture of Gaussians with a spread for each dimension.

The decoder of a variational autoencoder is trained on the latents of real rows, which don't fill
the whole standard normal; sampling from a mixture that was fitted to them leaves out the holes
(Ghosh et al. 2020, "From Variational to Deterministic Autoencoders").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS_A_COMPONENT = 5
MOST_COMPONENTS, MOST_ROWS = 300, 50_000
PASSES = 20
LEAST_VARIANCE = 1e-3

Vectors = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gaussians:
    """A mixture.

    Attributes:
        shares: The share of each component; shape (components,).
        means: Their means; shape (components, dimensions).
        spreads: Their standard deviations, same shape.
    """

    shares: Vectors
    means: Vectors
    spreads: Vectors

    @classmethod
    def standard(cls, dimensions: int) -> Gaussians:
        """One component: the standard normal."""
        return cls(np.ones(1), np.zeros((1, dimensions)), np.ones((1, dimensions)))

    @classmethod
    def fit(cls, points: Vectors, rng: np.random.Generator) -> Gaussians:
        """Fit by expectation-maximisation; points come in random order."""
        points = points[:MOST_ROWS]
        count = int(np.clip(len(points) // ROWS_A_COMPONENT, 1, MOST_COMPONENTS))
        whole = points.var(axis=0) + LEAST_VARIANCE
        means = points[rng.choice(len(points), count, replace=False)]
        variances = np.tile(whole, (count, 1))
        shares = np.full(count, 1 / count)
        squares = points**2
        for _ in range(PASSES):
            precise = 1 / variances
            logs = points @ (means * precise).T - 0.5 * squares @ precise.T
            logs += np.log(shares) - 0.5 * (means**2 * precise + np.log(variances)).sum(axis=1)
            logs -= logs.max(axis=1, keepdims=True)
            belongs = np.exp(logs)
            belongs /= belongs.sum(axis=1, keepdims=True)
            sizes = belongs.sum(axis=0) + 1.0  # one more row, spread as all rows are
            means = (belongs.T @ points + points.mean(axis=0)) / sizes[:, None]
            raw = (belongs.T @ squares + squares.mean(axis=0)) / sizes[:, None]
            variances = np.maximum(raw - means**2, LEAST_VARIANCE)
            shares = sizes / sizes.sum()
        return cls(shares, means, np.sqrt(variances))

    def draw(self, rows: int, rng: np.random.Generator) -> Vectors:
        """Draw vectors; shape (rows, dimensions)."""
        bounds = np.cumsum(self.shares)
        component = np.searchsorted(bounds, rng.random(rows) * bounds[-1], side="right")
        component = np.minimum(component, len(bounds) - 1)
        noise = rng.normal(size=(rows, self.means.shape[1]))
        return np.asarray(self.means[component] + self.spreads[component] * noise)
