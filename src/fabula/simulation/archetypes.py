"""Archetypes: agents grouped by their traits, so that a few stand for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_FITTED = 20_000
"""Agents that the groups are found from."""
ROUNDS = 3
"""Rounds of Lloyd's algorithm (1982) after the splits; more change the shares by < 0.1 points."""
MOST_CATEGORIES = 30
"""A column of more texts describes a person rather than a category."""
_ROWS = 8192

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Archetypes:
    """Groups of agents: who is in which, and what is said about each.

    Attributes:
        shift: What is taken from each number of `coded`; shape (dimensions,).
        scale: What it is then divided by.
        centers: The middle of each group; shape (groups, dimensions).
        shown: What is said about each group, by column.
        categories: The texts of each column that has a few; none for numbers.
    """

    shift: Floats
    scale: Floats
    centers: Floats
    shown: dict[str, list[str]]
    categories: dict[str, list[str]]

    def to_state(self) -> dict[str, Any]:
        """Its values, with arrays of one dimension."""
        return {**vars(self), "centers": self.centers.ravel()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Archetypes:
        """The archetypes of `to_state`."""
        return cls(**{**state, "centers": state["centers"].reshape(-1, len(state["shift"]))})

    def of(self, columns: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
        """The group of each agent: the one with the nearest middle."""
        points = _coded(columns, self.categories)
        return _nearest((points - self.shift) / self.scale, self.centers)


def archetypes_of(columns: dict[str, NDArray[Any]], count: int) -> Archetypes:
    """Group agents who are alike.

    Columns are split at their medians, the widest group first, and the groups' middles are moved
    to the means of who is nearest. Numbers count in standard deviations.

    Args:
        columns: The traits of all agents, one value an agent. Texts that are mostly distinct are no
            traits, and each group shows those of the agent nearest to its middle.
        count: Groups, at most.
    """
    categories: dict[str, list[str]] = {}
    for name, values in columns.items():
        if values.dtype.kind not in "iufb":
            found = sorted({str(value) for value in values})
            categories[name] = found if len(found) <= MOST_CATEGORIES else []
    points = _coded(columns, categories)
    shift, scale = points.mean(axis=0), points.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    points = (points - shift) / scale
    few = min(len(points), MOST_FITTED)
    sample = points[np.linspace(0, len(points) - 1, few).astype(np.int64)]
    centers = _centers(sample, count)
    taken, groups = np.unique(_nearest(points, centers), return_inverse=True)
    centers = centers[taken]
    shown = {
        name: _shown(values, name, groups, points, centers, categories)
        for name, values in columns.items()
    }
    return Archetypes(shift, scale, centers, shown, categories)


def _coded(columns: dict[str, NDArray[Any]], categories: dict[str, list[str]]) -> Floats:
    """Traits as numbers: categories as one column each; shape (agents, dimensions)."""
    made: list[Floats] = []
    for name, values in columns.items():
        if name in categories:
            texts = values.astype(str)
            made += [(texts == each).astype(np.float64) for each in categories[name]]
        else:
            made.append(np.nan_to_num(values.astype(np.float64)))
    size = len(next(iter(columns.values())))
    return np.column_stack(made) if made else np.zeros((size, 1))


def _centers(points: Floats, count: int) -> Floats:
    """The middles of groups; shape (groups, dimensions)."""
    groups = [np.arange(len(points))]
    spread = [_spread(points)]
    while len(groups) < count and max(spread) > 0:
        widest = int(np.argmax(spread))
        rows, _ = groups.pop(widest), spread.pop(widest)
        column = int(points[rows].var(axis=0).argmax())
        rows = rows[np.argsort(points[rows, column], kind="stable")]
        halves = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        groups += halves
        spread += [_spread(points[half]) for half in halves]
    centers = np.array([points[rows].mean(axis=0) for rows in groups])
    for _ in range(ROUNDS):
        nearest = _nearest(points, centers)
        sizes = np.bincount(nearest, minlength=len(centers))
        sums = [np.bincount(nearest, column, minlength=len(centers)) for column in points.T]
        means = np.array(sums).T / np.maximum(sizes, 1)[:, None]
        centers = np.where(sizes[:, None] > 0, means, centers)
    return centers


def _spread(points: Floats) -> float:
    """How much a group would gain from a split."""
    return float(points.var(axis=0).max()) * len(points) if len(points) > 1 else 0.0


def _nearest(points: Floats, centers: Floats) -> NDArray[np.int64]:
    found = np.empty(len(points), dtype=np.int64)
    half = (centers**2).sum(axis=1) / 2
    for first in range(0, len(points), _ROWS):
        rows = slice(first, first + _ROWS)
        found[rows] = (points[rows] @ centers.T - half).argmax(axis=1)
    return found


def _shown(  # noqa: PLR0917  (arrays of one partition)
    values: NDArray[Any],
    name: str,
    groups: NDArray[np.int64],
    points: Floats,
    centers: Floats,
    categories: dict[str, list[str]],
) -> list[str]:
    """What is said about each group: the mean, the most frequent category, or one agent's text."""
    count = len(centers)
    if name not in categories:
        sizes = np.maximum(np.bincount(groups, minlength=count), 1)
        means = np.bincount(groups, np.nan_to_num(values.astype(float)), minlength=count) / sizes
        return [f"{float(f'{mean:.3g}'):.10g}" for mean in means]
    if known := categories[name]:
        texts = values.astype(str)
        places = np.searchsorted(np.array(known), texts)
        counts = np.zeros((count, len(known)), dtype=np.int64)
        np.add.at(counts, (groups, places), 1)
        return [known[place] for place in counts.argmax(axis=1)]
    apart = ((points - centers[groups]) ** 2).sum(axis=1)
    order = np.lexsort((apart, groups))
    first = order[np.minimum(np.searchsorted(groups[order], np.arange(count)), len(order) - 1)]
    return [str(values[row]) for row in first]
