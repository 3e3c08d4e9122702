"""Distances between sets of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def frechet(first: Floats, second: Floats) -> float:
    """The Fréchet distance of two sets of features, taken for Gaussians (Heusel et al. 2017)."""
    means = [each.mean(axis=0) for each in (first, second)]
    covers = [np.atleast_2d(np.cov(each, rowvar=False)) for each in (first, second)]
    values, vectors = np.linalg.eigh(covers[0])
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    both = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covers[1] @ root), 0, None)).sum()
    apart = float(((means[0] - means[1]) ** 2).sum())
    return max(0.0, apart + float(np.trace(covers[0]) + np.trace(covers[1]) - 2 * both))


def nearest(rows: Floats, others: Floats) -> Floats:
    """The distance of each row to the nearest of the others."""
    squares = (others**2).sum(axis=1)
    found = []
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        far = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ others.T
        found.append(np.sqrt(np.clip(far.min(axis=1), 0, None)))
    return np.concatenate(found)
