"""Privacy by distance: synthetic rows that equal, or all but equal, a real person's row."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.boosting import auc
from fabula.evaluation.metrics.distances import Space, nearest
from fabula.evaluation.metrics.frames import Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.evaluation.metrics.result import bounded, noise, unjudged
from fabula.render.amounts import percent
from fabula.streams import mix, name_key

Distances: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""How far synthetic rows, and held-back rows, are from the nearest real row."""

MOST_QUERIES = 5_000
"""Rows whose nearest neighbour is looked for; of more, a sample is drawn by seed."""

MOST_REFERENCES = 50_000
"""Rows that may be that neighbour."""

OUTLYING, FEWEST_OUTLIERS = 0.05, 20
"""The share of rows that are least like any other; it is looked at where both sides have some."""

NEAR = 0.01
"""A near copy is nearer to a real row than this share of held-back rows are."""

WITHOUT_HOLDOUT = Score(
    None,
    "Not measured: it needs real rows that the synthesizer never saw, as a holdout.",
    details={"needs": "holdout"},
)
"""The score of a metric that can't be measured without held-back rows."""

_COPY_SOURCE = "Identical match share; holdout method of Platzer and Reutterer (2021)"


@METRICS.add
@metric(
    "privacy.exact_copies", "exact copies", better="lower", source=_COPY_SOURCE, form="share",
    place=10,
)  # fmt: skip
def exact_copies(frames: Frames) -> Score:
    """The share of synthetic rows that equal a real row in every column but keys."""
    known = row_keys(frames, frames.truth)
    made = row_keys(frames, frames.synthetic)
    copied = np.isin(made, known)
    value = float(copied.mean())
    base, m = _chance_copies(frames, known)
    count, bound = int(copied.sum()), base + noise(base, len(made), m)
    return Score(
        value,
        (
            "No synthetic row equals a real row."
            if not count
            else f"{count:,} of {len(made):,} synthetic rows ({percent(value)}) equal a real row; "
            f"among real rows that were held back it is {percent(base)}.{unjudged(bound)}"
        ),
        baseline=base,
        compared="holdout" if frames.holdout else "other real rows",
        threshold=bounded(bound),
        no_verdict=bounded(bound) is None,
        details={"copies": count, "rows": len(made)},
    )


@METRICS.add
@metric(
    "privacy.near_copies", "near copies", better="lower", source=_COPY_SOURCE, form="share",
    place=20,
)  # fmt: skip
def near_copies(frames: Frames, distances: Distances | None = None) -> Score:
    """The share of synthetic rows that are nearer to a real row than real rows ever are.

    Args:
        frames: The prepared tables.
        distances: What `distances_to_real` found, if it is known.
    """
    made, held = distances or distances_to_real(frames)
    bound = float(np.quantile(held, NEAR))
    value, base = (float((away <= bound).mean()) for away in (made, held))
    most = base + 0.01 + noise(base, len(made), len(held))
    return Score(
        value,
        f"{percent(value)} of the synthetic rows are so near to a real row as only {percent(base)} "
        f"of the real rows are to another one.{unjudged(most)}",
        baseline=base,
        compared="holdout" if frames.holdout else "other real rows",
        threshold=bounded(most),
        no_verdict=bounded(most) is None,
        details={"distance": bound, "queries": len(made), "references": MOST_REFERENCES},
    )


@METRICS.add
@metric(
    "privacy.closer_to_training", "distance to closest record (DCR)", better="lower",
    source="Share of rows closer to training than to holdout (Platzer and Reutterer 2021)",
    form="share", place=30,
)  # fmt: skip
def closer_to_training(frames: Frames) -> Score:
    """The share of synthetic rows that are nearer to the real rows than to the holdout."""
    if frames.holdout is None:
        return WITHOUT_HOLDOUT
    space = Space.of(frames)
    most = min(frames.truth.rows, frames.holdout.rows, MOST_REFERENCES)
    queries = space.points(frames.sample(frames.synthetic, MOST_QUERIES, "nearest of synthetic"))
    away = [
        nearest(queries, space.points(frames.sample(frame, most, "closer to training")))[0]
        for frame in (frames.truth, frames.holdout)
    ]
    gap = away[0] - away[1]
    bound = 0.5 + max(0.03, 1.5 / np.sqrt(min(len(queries), most)))
    value = float((gap < -1e-6).mean() + (np.abs(gap) <= 1e-6).mean() / 2)
    return Score(
        value,
        f"{percent(value)} of the synthetic rows are nearer to a row that the synthesizer learned "
        f"from than to one that it never saw; without memorising it is 50 %.{unjudged(bound)}",
        baseline=0.5,
        compared="ideal",
        threshold=bounded(bound),
        no_verdict=bounded(bound) is None,
        details={"queries": len(queries), "references": most},
    )


@METRICS.add
@metric(
    "privacy.membership", "membership inference", better="lower",
    source="Distance-based membership inference (Chen et al. 2020, GAN-Leaks)", place=40,
)  # fmt: skip
def membership(frames: Frames) -> Score:
    """AUC of guessing who was in the real table by how near the nearest synthetic row is."""
    if frames.holdout is None:
        return WITHOUT_HOLDOUT
    space = Space.of(frames)
    # the bound is that of two samples of equal size: rows are drawn by chance, too
    most = min(frames.truth.rows, frames.holdout.rows, MOST_QUERIES // 2)
    references = space.points(
        frames.sample(frames.synthetic, MOST_REFERENCES, "references of synthetic rows")
    )
    asked = [
        space.points(frames.sample(frame, MOST_QUERIES // 2, "membership"))
        for frame in (frames.truth, frames.holdout)
    ]
    everyone, members = np.concatenate(asked), np.repeat([1, 0], [*map(len, asked)])
    near = np.round(-nearest(everyone, references)[0], 6)
    value = auc(members, near)
    alone = nearest(everyone, everyone, itself=True)[0]
    outliers = alone >= np.quantile(alone, 1 - OUTLYING)
    count = int(members[outliers].sum())
    outlying, told = None, ""
    if min(count, int(outliers.sum()) - count) >= FEWEST_OUTLIERS:
        outlying = auc(members[outliers], near[outliers])
        told = f" Of the {percent(OUTLYING)} least like any other: {percent(outlying)}."
    bound = 0.5 + max(0.05, 3 * np.sqrt((2 * most + 1) / (12 * most * most)))
    return Score(
        value,
        f"Told a real row that was in the data and one that was not, an attacker names the right "
        f"one in {percent(value)} of cases; 50 % is a guess.{told}{unjudged(bound)}",
        baseline=0.5,
        compared="guess",
        threshold=bounded(bound),
        no_verdict=bounded(bound) is None,
        details={
            "members": len(asked[0]),
            "others": len(asked[1]),
            "outlying": outlying,
            "outlying_members": count,
        },
    )


def distances_to_real(frames: Frames) -> Distances:
    """How far synthetic rows, and real rows that were held back, are from the nearest real row.

    Without a holdout, real rows look for their nearest other row.
    """
    space = Space.of(frames)
    references = space.points(frames.sample(frames.truth, MOST_REFERENCES, "references"))
    queries = space.points(frames.sample(frames.synthetic, MOST_QUERIES, "nearest of synthetic"))
    made, _ = nearest(queries, references)
    if frames.holdout is not None:
        held = space.points(frames.sample(frames.holdout, MOST_QUERIES, "nearest of holdout"))
        return made, nearest(held, references)[0]
    rest = references[:MOST_QUERIES]
    return made, nearest(rest, references, itself=True)[0]


def row_keys(frames: Frames, frame: Frame) -> NDArray[np.uint64]:
    """A 64-bit hash of each row's values, keys and undistinguished columns left out."""
    keys = np.zeros(frame.rows, dtype=np.uint64)
    for column in frames.of("number", "moment", "category", "text"):
        values = frame[column.name]
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), np.nan, values + 0.0)
            bits = values.astype(np.float64).view(np.uint64)
        else:
            bits = values.astype(np.uint64)
        keys = mix(keys ^ mix(bits + np.uint64(name_key(column.name))))
    return keys


def _chance_copies(frames: Frames, known: NDArray[np.uint64]) -> tuple[float, int]:
    """How often real rows repeat each other, and of how many rows this is known."""
    if frames.holdout is not None:
        held = row_keys(frames, frames.holdout)
        return float(np.isin(held, known).mean()), len(held)
    _, codes, counts = np.unique(known, return_inverse=True, return_counts=True)
    return float((counts[codes] > 1).mean()), len(known)
