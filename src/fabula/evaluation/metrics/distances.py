"""Rows as points, so that alike rows are near: the geometry behind every nearest-row metric.

A number becomes its rank among the real values (0 to 1, continuing beyond the real range), a
category a corner of a simplex, and a missing value a coordinate of its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.one_thread import one_thread

Points = NDArray[np.float32]

CORNERS = 24
"""Categories with more labels get random directions in as many dimensions instead of corners."""

APART = 0.5
"""Length of a category's corner: two labels are 0.7 apart, the ends of a number's range 1."""

BLOCK_CELLS = 1 << 22
"""Distances that a thread holds in memory at once."""

THREADS = min(4, os.cpu_count() or 1)
"""Blocks that are worked on at the same time."""


@dataclass(frozen=True)
class Space:
    """How rows become points.

    Attributes:
        columns: The columns that count.
        parts: The coordinates of each column.
    """

    columns: tuple[Column, ...]
    parts: tuple[slice, ...]
    _scales: tuple[tuple[Array, Array] | Points, ...]

    @classmethod
    def of(cls, frames: Frames) -> Space:
        """The space that the real rows span."""
        scales: list[tuple[Array, Array] | Points] = []
        parts, at = [], 0
        for column in frames.measured:
            scale = (
                _corners(len(column.levels) + 1, frames)
                if column.family == "category"
                else _ranks(frames.truth[column.name])
            )
            width = scale.shape[1] if isinstance(scale, np.ndarray) else 2
            parts.append(slice(at, at + width))
            scales.append(scale)
            at += width
        return cls(tuple(frames.measured), tuple(parts), tuple(scales))

    def points(self, frame: Frame) -> Points:
        """A frame's rows as points."""
        width = self.parts[-1].stop if self.parts else 0
        points = np.zeros((frame.rows, width), dtype=np.float32)
        for column, part, scale in zip(self.columns, self.parts, self._scales, strict=True):
            values = frame[column.name]
            if isinstance(scale, np.ndarray):
                points[:, part] = scale[values]
                continue
            missing = np.isnan(values)
            points[:, part.start] = np.where(missing, 0.5, _rank(values, *scale))
            points[:, part.start + 1] = missing
        return points


def nearest(
    queries: Points, references: Points, *, itself: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance and number of the nearest reference of each query.

    Args:
        queries: Points that look for a neighbour.
        references: Points that may be one.
        itself: The queries are the references; a point is not a neighbour of its own.
    """
    distances = np.empty(len(queries))
    found = np.empty(len(queries), dtype=np.int64)
    lengths = np.einsum("ij,ij->i", references, references)
    doubled = -2 * references.T
    step = max(1, BLOCK_CELLS // max(len(references), 1))
    local = threading.local()

    def sought(start: int) -> None:
        block = queries[start : start + step]
        if not hasattr(local, "room"):
            local.room = np.empty((min(step, len(queries)), len(references)), dtype=np.float32)
        apart = np.matmul(block, doubled, out=local.room[: len(block)])
        apart += lengths
        if itself:
            rows = np.arange(len(block))
            apart[rows, start + rows] = np.inf
        best = apart.argmin(axis=1)
        # The expanded square loses digits next to zero, so the winner is measured again.
        gaps = block.astype(np.float64) - references[best]
        distances[start : start + step] = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
        found[start : start + step] = best

    starts = range(0, len(queries), step)
    with one_thread(), ThreadPoolExecutor(max(1, min(len(starts), THREADS))) as pool:
        list(pool.map(sought, starts))
    return distances, found


def kth_distance(points: Points, k: int) -> NDArray[np.float64]:
    """Each point's distance to its k-th nearest other point."""
    lengths = np.einsum("ij,ij->i", points, points)
    doubled = -2 * points.T
    step = max(1, BLOCK_CELLS // max(len(points), 1))
    blocks = []
    for start in range(0, len(points), step):
        block = points[start : start + step]
        apart = block @ doubled
        apart += lengths
        rows = np.arange(len(block))
        apart[rows, start + rows] = np.inf
        kth = np.partition(apart, min(k, len(points)) - 1, axis=1)[:, min(k, len(points)) - 1]
        blocks.append(np.sqrt(np.maximum(kth + lengths[start : start + step], 0)))
    return np.concatenate(blocks).astype(float)


def squared_apart(
    queries: Points, references: Points, part: slice, room: Sequence[Points]
) -> Points:
    """Squared distances that count only some coordinates, every query with every reference.

    Args:
        queries: Points.
        references: Points.
        part: The coordinates that count.
        room: Two arrays with a row for each query, of which the first becomes the result: large
            arrays cost more to get than to fill.
    """
    left, right = queries[:, part], references[:, part]
    apart, products = room
    np.matmul(left, right.T, out=products)
    products *= 2
    lengths = np.einsum("ij,ij->i", left, left), np.einsum("ij,ij->i", right, right)
    np.add(lengths[0][:, None], lengths[1], out=apart)
    apart -= products
    return apart


def _ranks(values: Array) -> tuple[Array, Array]:
    """Values and the middles of their ranks, at most a thousand of them."""
    filled = np.sort(values[np.isfinite(values)])
    if not len(filled):
        return np.zeros(1), np.full(1, 0.5)
    grid = np.linspace(0, 1, min(1001, len(filled)))
    nearest_ranks = np.rint(grid * (len(filled) - 1)).astype(np.int64)
    marks, first, counts = np.unique(filled[nearest_ranks], return_index=True, return_counts=True)
    return marks, (first + (counts - 1) / 2) / max(len(grid) - 1, 1)


def _rank(values: Array, marks: Array, ranks: Array) -> Array:
    """Ranks of values; beyond the real range they continue in units of that range, up to 2."""
    span = max(float(marks[-1] - marks[0]), 1e-12)
    beyond = np.maximum(values - marks[-1], 0) - np.maximum(marks[0] - values, 0)
    return np.asarray(np.interp(values, marks, ranks) + np.clip(beyond / span, -2, 2))


def _corners(labels: int, frames: Frames) -> Points:
    """One point a label, all about equally far apart."""
    if labels <= CORNERS:
        return np.eye(labels, dtype=np.float32) * np.float32(APART)
    signs = frames.rng("corners").integers(0, 2, (labels, CORNERS)) * 2 - 1
    return np.asarray(signs * (APART / np.sqrt(CORNERS)), dtype=np.float32)
