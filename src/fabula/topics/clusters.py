"""Groups of texts by KMeans on their unit vectors, with the number of groups found by a score.

Scores: `silhouette` (Rousseeuw 1987), how much nearer texts are to their own group than to the
next; `gap` (Tibshirani et al. 2001), how much tighter groups are than those of uniform points;
`elbow`, where more groups stop making the spread much smaller, as the point farthest from the
line between the ends (Satopää et al. 2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError, UsageError, did_you_mean
from fabula.streams import stream

Score: TypeAlias = Literal["silhouette", "gap", "elbow"]
SCORES = ("silhouette", "gap", "elbow")
MOST_TOPICS = 12
"""The largest number of groups that is tried."""
FITTED = 4_000
"""Texts that decide the centres; the rest join the nearest one."""
SCORED = 1_000
REFERENCES = 5
"""Sets of uniform points that the gap is measured against."""
MOST_SIZED = 5_000
"""Texts that can be dealt into groups of given sizes."""
UNDER = 0.5
"""A group below this share of an equal part is under-represented."""
_AT_ONCE = 8_192

Vectors = NDArray[np.floating]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Clusters:
    """Groups of texts, the largest first, and the score of each number of groups that was tried."""

    labels: Labels
    centres: Vectors
    score: str
    scores: Mapping[int, float]

    @property
    def sizes(self) -> list[int]:
        """How many texts each group has."""
        return [int(size) for size in np.bincount(self.labels, minlength=len(self.centres))]

    @property
    def under_represented(self) -> list[int]:
        """Groups with less than half of an equal part."""
        part = len(self.labels) / len(self.centres)
        return [group for group, size in enumerate(self.sizes) if size < UNDER * part]


def find_clusters(
    vectors: Vectors,
    *,
    count: int | None = None,
    sizes: Sequence[int] = (),
    score: Score = "silhouette",
    seed: int = 0,
) -> Clusters:
    """Groups of texts whose unit vectors are near each other.

    Their number is `count`, or that of `sizes`, or the one with the best score.

    Raises:
        UsageError: There are fewer different texts than groups, or the sizes don't add up.
        PrerequisiteError: The extra `texts` is not installed.
    """
    if score not in SCORES:
        hint = did_you_mean(score, SCORES) or f"use one of {', '.join(SCORES)}"
        raise UsageError(f"there is no score `{score}`", code="usage.score", hint=hint)
    if sizes:
        _verify_sizes(sizes, len(vectors))
        count = len(sizes)
    sample = _sample(vectors, FITTED, seed)
    distinct = len(np.unique(np.round(sample, 4), axis=0))
    if count is not None and not 1 <= count <= distinct:
        raise UsageError(
            f"{count} topics can't be told apart among {distinct:,} different texts",
            code="usage.topics",
            hint=f"ask for 1 to {distinct:,} topics, or leave the number open",
        )
    scores: dict[int, float] = {}
    if count is None and distinct < 3:
        count = distinct
    elif count is None:
        count, scores = _best_count(sample, min(MOST_TOPICS, distinct - 1), score, seed)
    centres = _fitted(sample, count, seed).cluster_centers_.astype(np.float32)
    labels = _dealt(vectors, centres, sizes) if sizes else nearest(vectors, centres)[0]
    if not sizes:
        labels, centres = _largest_first(labels, centres)
    return Clusters(labels, centres, score if scores else "given", scores)


def nearest(vectors: Vectors, centres: Vectors) -> tuple[Labels, Vectors]:
    """The nearest centre of each vector, by Euclidean distance, and the cosine to it."""
    labels = np.empty(len(vectors), dtype=np.int64)
    cosines = np.empty(len(vectors), dtype=np.float32)
    lengths = np.linalg.norm(centres, axis=1)
    for start in range(0, len(vectors), _AT_ONCE):
        inner = vectors[start : start + _AT_ONCE].astype(np.float32) @ centres.T
        best = (2 * inner - lengths**2).argmax(axis=1)
        labels[start : start + _AT_ONCE] = best
        chosen = inner[np.arange(len(inner)), best]
        cosines[start : start + _AT_ONCE] = chosen / np.maximum(lengths[best], 1e-9)
    return labels, cosines


def _verify_sizes(sizes: Sequence[int], count: int) -> None:
    if min(sizes) < 1 or sum(sizes) != count or count > MOST_SIZED:
        raise UsageError(
            f"sizes of {sum(sizes):,} in all do not fit {count:,} texts",
            code="usage.sizes",
            hint=f"give sizes above 0 that add up to {count:,}, for at most {MOST_SIZED:,} texts",
        )


def _sample(vectors: Vectors, most: int, seed: int) -> Vectors:
    if len(vectors) <= most:
        return vectors.astype(np.float32)
    chosen = stream(seed, "topics", "sample", most).choice(len(vectors), most, replace=False)
    return vectors[np.sort(chosen)].astype(np.float32)


def _fitted(vectors: Vectors, count: int, seed: int) -> Any:
    try:
        from sklearn.cluster import KMeans
    except ImportError as exc:
        raise PrerequisiteError.for_extra("texts", needed_by="finding topics") from exc
    starts = 10 if len(vectors) <= SCORED else 2
    return KMeans(count, n_init=starts, random_state=seed % 2**32).fit(vectors)


def _best_count(
    vectors: Vectors, most: int, score: Score, seed: int
) -> tuple[int, dict[int, float]]:
    """The number of groups with the best score, and all scores."""
    if score == "silhouette":
        found = _silhouettes(vectors, most, seed)
        return max(found, key=lambda count: (found[count], -count)), found
    spreads = {count: _spread(vectors, count, seed) for count in range(1, most + 1)}
    if score == "gap":
        return _by_gap(vectors, spreads, seed)
    return _by_elbow(spreads)


def _silhouettes(vectors: Vectors, most: int, seed: int) -> dict[int, float]:
    from sklearn.metrics import silhouette_score

    scores = {}
    for count in range(2, most + 1):
        labels = _fitted(vectors, count, seed).labels_
        rows = np.sort(
            stream(seed, "topics", "scored", count).choice(
                len(vectors), min(SCORED, len(vectors)), replace=False
            )
        )
        several = 1 < len(np.unique(labels[rows])) < len(rows)
        scores[count] = float(silhouette_score(vectors[rows], labels[rows])) if several else -1.0
    return scores


def _spread(vectors: Vectors, count: int, seed: int) -> float:
    return max(float(_fitted(vectors, count, seed).inertia_), 1e-9)


def _by_elbow(spreads: Mapping[int, float]) -> tuple[int, dict[int, float]]:
    counts = np.array(list(spreads))
    values = np.array(list(spreads.values()))
    across = (counts - counts[0]) / max(counts[-1] - counts[0], 1)
    down = (values[0] - values) / max(values[0] - values[-1], 1e-9)
    scores = dict(zip(counts.tolist(), (down - across).tolist(), strict=True))
    return max(scores, key=lambda count: (scores[count], -count)), scores


def _by_gap(
    vectors: Vectors, spreads: Mapping[int, float], seed: int
) -> tuple[int, dict[int, float]]:
    """The smallest number whose gap is within one error of the next one's."""
    rng = stream(seed, "topics", "gap", 0)
    low, high = vectors.min(axis=0), vectors.max(axis=0)
    logs = np.empty((REFERENCES, len(spreads)))
    for at in range(REFERENCES):
        points = (low + (high - low) * rng.random(vectors.shape)).astype(np.float32)
        logs[at] = [np.log(_spread(points, count, seed)) for count in spreads]
    gaps = logs.mean(axis=0) - np.log(list(spreads.values()))
    errors = logs.std(axis=0) * np.sqrt(1 + 1 / REFERENCES)
    counts = list(spreads)
    enough = [
        count for at, count in enumerate(counts[:-1]) if gaps[at] >= gaps[at + 1] - errors[at + 1]
    ]
    return (enough or counts[-1:])[0], dict(zip(counts, gaps.tolist(), strict=True))


def _dealt(vectors: Vectors, centres: Vectors, sizes: Sequence[int]) -> Labels:
    """Each text into a group so that sizes are kept and distances are least in all."""
    from scipy.optimize import linear_sum_assignment

    counts = np.bincount(nearest(vectors, centres)[0], minlength=len(centres))
    order = np.empty(len(centres), dtype=np.int64)  # the largest size for the largest group
    order[np.argsort(-np.array(sizes), kind="stable")] = np.argsort(-counts, kind="stable")
    slots = np.repeat(np.arange(len(sizes)), sizes)
    distances = np.square(centres[order]).sum(axis=1) - 2 * vectors.astype(float) @ centres[order].T
    rows, places = linear_sum_assignment(distances[:, slots])
    labels = np.empty(len(vectors), dtype=np.int64)
    labels[rows] = slots[places]
    return labels


def _largest_first(labels: Labels, centres: Vectors) -> tuple[Labels, Vectors]:
    order = np.argsort(-np.bincount(labels, minlength=len(centres)), kind="stable")
    place = np.empty(len(centres), dtype=np.int64)
    place[order] = np.arange(len(centres))
    return place[labels], centres[order]
