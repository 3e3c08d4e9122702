"""Rows by group of people, and who of them has the good outcome."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fabula.errors import UsageError
from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames

BANDS = 4
MOST_GROUPS = 30


@dataclass(frozen=True)
class Groups:
    """Rows by group: the labels, and each frame's code per row (-1: no group)."""

    name: str
    labels: tuple[str, ...]
    synthetic: Array
    real: Array | None


@dataclass(frozen=True)
class Outcome:
    """The good outcome: what it is in words, and who has it (1, 0, or NaN if unknown)."""

    words: str
    synthetic: Array
    real: Array | None


def groups_of(frames: Frames, column: Column) -> Groups:
    """The groups that a column defines: its labels, or quarters of its numbers."""
    frame = frames.real or frames.synthetic
    if column.family == "category":
        if len(column.levels) > MOST_GROUPS:
            raise UsageError(
                f"column `{column.name}` has {len(column.levels)} labels, too many for groups",
                code="evaluate.groups",
                hint=f"protect a column of at most {MOST_GROUPS} labels",
            )
        codes = [
            f[column.name].astype(np.int64) - 1 if f else None
            for f in (frames.synthetic, frames.real)
        ]
        assert codes[0] is not None
        return Groups(column.name, column.levels, codes[0], codes[1])
    values = frame[column.name]
    filled = values[~np.isnan(values)]
    if not len(filled):
        return Groups(column.name, (), np.full(frames.synthetic.rows, -1), None)
    edges = np.unique(np.quantile(filled, np.arange(1, BANDS) / BANDS))
    ends = [f"{edge:g}" for edge in edges]
    labels = [f"up to {ends[0]}"]
    labels += [f"{low} to {high}" for low, high in pairwise(ends)]
    labels.append(f"over {ends[-1]}")

    def coded(values: Array) -> Array:
        return np.where(np.isnan(values), -1, np.searchsorted(edges, values))

    real = coded(frames.real[column.name]) if frames.real else None
    return Groups(column.name, tuple(labels), coded(frames.synthetic[column.name]), real)


def crossed_groups(first: Groups, second: Groups) -> Groups:
    """The groups where two columns meet."""
    labels = tuple(f"{a} × {b}" for a in first.labels for b in second.labels)

    def coded(left: Array | None, right: Array | None) -> Array | None:
        if left is None or right is None:
            return None
        return np.where((left < 0) | (right < 0), -1, left * len(second.labels) + right)

    synthetic = coded(first.synthetic, second.synthetic)
    assert synthetic is not None
    name = f"`{first.name}` and `{second.name}`"
    return Groups(name, labels, synthetic, coded(first.real, second.real))


def outcome_of(frames: Frames, column: Column, positive: str | None) -> Outcome:
    """Who has the good outcome."""
    frame = frames.real or frames.synthetic
    if not (frame[column.name] > (0 if column.family == "category" else -np.inf)).any():
        raise UsageError(
            f"`{column.name}` has no value, so no outcome counts as good",
            code="evaluate.positive",
            hint="name another `target`",
        )

    def good(frame: Frame | None, code: int) -> Array | None:
        if frame is None:
            return None
        values = frame[column.name]
        return np.where(values == 0, np.nan, values == code)

    if column.family == "category":
        if positive is not None and positive not in column.levels:
            raise UsageError(
                f"`{column.name}` is never `{positive}`",
                code="evaluate.positive",
                hint=f"it is one of {', '.join(column.levels[:10])}",
            )
        counts = np.bincount(frame[column.name], minlength=len(column.levels) + 1)[1:]
        there = np.flatnonzero(counts)
        rare = int(there[counts[there].argmin()]) if len(there) <= 2 else int(counts.argmax())
        code = column.levels.index(positive) if positive is not None else rare
        words = f"`{column.name}` is `{column.levels[code]}`"
        synthetic = good(frames.synthetic, code + 1)
        assert synthetic is not None
        return Outcome(words, synthetic, good(frames.real, code + 1))
    middle = float(np.nanmedian(frame[column.name]))

    def above(frame: Frame | None) -> Array | None:
        if frame is None:
            return None
        values = frame[column.name]
        # Values of 0 and 1 are an outcome by themselves.
        limit = middle if len(np.unique(values[~np.isnan(values)])) > 2 else 0.5
        return np.where(np.isnan(values), np.nan, values > limit)

    synthetic = above(frames.synthetic)
    assert synthetic is not None
    return Outcome(f"`{column.name}` above {middle:g}", synthetic, above(frames.real))
