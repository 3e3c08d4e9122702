"""Diversity: neither the same rows over and over, nor rows that could be anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames, inner_edges
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.evaluation.metrics.nearest_records import Distances, distances_to_real, row_keys
from fabula.evaluation.metrics.result import noise
from fabula.render.amounts import percent

DISTINCT, ENTROPY = 0.70, 0.15
NEARER, FARTHER = 0.42, 0.70
"""Chances below the first mean too similar, above the second unrealistic; 0.5 is like real.

Where few rows make them uncertain, they are three standard errors from 0.5.
"""

FEW_HELD = 500
"""Of fewer held-back rows, the real rows' distances from each other count with theirs."""

BINS = 20


@METRICS.add
@metric(
    "diversity.band",
    "closest-record rank (DCR)",
    better="near",
    source="Distance to the closest record (Park et al. 2018), by rank against a holdout; standard "
    "error of Mann and Whitney (1947)",
    place=10,
)
def band(frames: Frames, distances: Distances | None = None) -> Score:
    """Chance that a synthetic row is farther from the real rows than a held-back row is.

    Args:
        frames: The prepared tables.
        distances: What `distances_to_real` found, if it is known.
    """
    made, held = distances or distances_to_real(frames)
    if frames.holdout is not None and len(held) < FEW_HELD:
        held = np.append(held, distances_to_real(replace(frames, holdout=None))[1])
    ranks = np.searchsorted(np.sort(held), [made - 1e-6, made + 1e-6])
    value = float(ranks.mean() / len(held))
    n, m = len(made), len(held)
    chance = 3 * np.sqrt((n + m + 1) / (12 * n * m))
    room = max(0.5 - NEARER if value < 0.5 else FARTHER - 0.5, chance)
    verdict = "in band"
    if abs(value - 0.5) > room:
        verdict = "too similar" if value < 0.5 else "unrealistic"
    words = {
        "too similar": "Too similar: synthetic rows are nearer to real rows than real rows are",
        "unrealistic": "Unrealistic: synthetic rows lie where real rows are rare",
        "in band": "In band: synthetic rows keep about the distance that real rows keep",
    }
    return Score(
        value,
        f"{words[verdict]}; {percent(value)} of comparisons find the synthetic row farther away, "
        "where 50 % is like real.",
        baseline=0.5,
        compared="ideal",
        threshold=float(room),
        details={"verdict": verdict},
    )


@METRICS.add
@metric(
    "diversity.duplicates", "duplicate rows", better="lower",
    source="Share of rows that are not the first of their kind", form="share", needs="nothing",
    place=20,
)  # fmt: skip
def duplicates(frames: Frames) -> Score:
    """The share of synthetic rows that repeat another synthetic row."""
    value = _repeated(frames, frames.synthetic)
    base = None if frames.real is None else _repeated(frames, frames.real)
    n = frames.synthetic.rows
    m = n if frames.real is None else frames.real.rows
    return Score(
        value,
        (
            "No synthetic row repeats another one."
            if not value
            else f"{percent(value)} of the synthetic rows repeat an earlier one"
            + ("." if base is None else f"; of the real rows {percent(base)} do.")
        ),
        baseline=0.0 if base is None else base,
        compared="ideal" if base is None else "real rows",
        threshold=None if base is None else base + 0.01 + noise(base, n, m),
    )


@METRICS.add
@metric(
    "diversity.distinct", "distinct values", better="higher",
    source="Distinct values, at equal numbers of rows", form="share", needs="nothing", place=30,
)  # fmt: skip
def distinct(frames: Frames) -> Score:
    """How many different values columns have, next to the real ones in as many rows."""
    columns = frames.of("number", "moment", "category", "text")
    if frames.real is None:
        shares = {c.name: _distinct(c, frames.synthetic) / frames.synthetic.rows for c in columns}
        return Score(
            None,
            "Without real data there is nothing to compare; the shares are in the details.",
            details={"columns": shares},
        )
    kept = _kept(frames, columns, frames.truth, frames.synthetic)
    base = _kept(frames, columns, *frames.halves)
    if not kept:
        return Score(None, "Not measured: all values are missing.")
    worst, value = min(kept, key=lambda name: kept[name]), float(np.mean(list(kept.values())))
    return Score(
        value,
        f"Columns have {percent(value)} of the different values that real ones have in as many "
        f"rows; fewest has `{worst}`, with {percent(kept[worst])}.",
        baseline=float(np.mean(list(base.values()))) if base else None,
        compared=frames.compared,
        threshold=DISTINCT,
        details={"columns": kept},
    )


@METRICS.add
@metric(
    "diversity.entropy", "entropy", better="near",
    source="Shannon entropy (1948), synthetic over real", place=40,
)  # fmt: skip
def entropy(frames: Frames) -> Score:
    """How evenly values are spread, as a share of the real entropy; 1 is like real."""
    columns = [column for column in frames.measured if frames.real is not None]
    ratios = {}
    for column in columns:
        real, made = _entropies(column, frames.truth[column.name], frames.synthetic[column.name])
        if real > 0:
            ratios[column.name] = max(0.0, made / real)
    if not ratios:
        return Score(None, "Not measured: there is no real column that varies.")
    value, worst = float(np.mean(list(ratios.values()))), min(ratios, key=lambda n: ratios[n])
    spread = (
        "like"
        if abs(value - 1) <= 0.05
        else "more evenly than"
        if value > 1
        else "less evenly than"
    )
    return Score(
        value,
        f"Values are spread {spread} real ones ({value:.2f} of their entropy); least so in "
        f"`{worst}` ({ratios[worst]:.2f}).",
        baseline=1.0,
        compared="ideal",
        threshold=ENTROPY,
        details={"columns": ratios},
    )


def _repeated(frames: Frames, frame: Frame) -> float:
    return 1 - len(np.unique(row_keys(frames, frame))) / frame.rows


def _kept(
    frames: Frames, columns: Iterable[Column], real: Frame, synthetic: Frame
) -> dict[str, float]:
    """Different values of each column over the real number of them, at most 1."""
    most = min(real.rows, synthetic.rows)
    left = frames.sample(real, most, "distinct real")
    right = frames.sample(synthetic, most, "distinct synthetic")
    found = {}
    for column in columns:
        if there := _distinct(column, left):
            found[column.name] = min(1.0, _distinct(column, right) / there)
    return found


def _distinct(column: Column, frame: Frame) -> int:
    values = frame[column.name]
    return len(
        np.unique(values[~np.isnan(values)] if values.dtype.kind == "f" else values[values > 0])
    )


def _entropies(column: Column, real: Array, synthetic: Array) -> tuple[float, float]:
    """Entropies in bits over labels, or over bins of the real range."""
    if column.family == "category":
        return bits(np.bincount(real[real > 0])), bits(np.bincount(synthetic[synthetic > 0]))
    filled = [values[~np.isnan(values)] for values in (real, synthetic)]
    if not len(filled[0]):
        return 0.0, 0.0
    edges = inner_edges(filled[0], BINS)
    left, right = (bits(np.bincount(np.digitize(values, edges))) for values in filled)
    return left, right


def bits(counts: Array) -> float:
    """The entropy of counts, in bits."""
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum())
