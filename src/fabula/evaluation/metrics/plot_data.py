"""What charts show: counts in bins and cells, never a real row.

Labels that fewer than a handful of real rows have are pooled, and numbers are binned between
quantiles, so that a picture names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.pairs import Pair, compared_pairs, correlations
from fabula.evaluation.metrics.shapes import column_distance, missing_share

BINS = 24
TOP_LABELS = 10
FEWEST = 5
"""Labels of fewer real rows are pooled."""

TAIL = 0.005
MOST_HEAT_COLUMNS = 40
MOST_POINTS = 600
CELLS = 28
MOST_COLOURS = 4


@dataclass(frozen=True)
class Distribution:
    """One column's values in bins.

    Attributes:
        name: The column.
        family: Its family.
        labels: What each bin holds.
        synthetic: Share of the synthetic rows in each bin.
        real: Share of the real rows in each bin; empty without real rows.
        missing: Shares that are missing, synthetic and real.
        score: One minus the distance; None without real rows.
    """

    name: str
    family: str
    labels: tuple[str, ...]
    synthetic: tuple[float, ...]
    real: tuple[float, ...]
    missing: tuple[float, float]
    score: float | None


@dataclass(frozen=True)
class Heat:
    """How far apart real and synthetic pairs of columns are."""

    columns: tuple[str, ...]
    pairs: tuple[Pair, ...]
    left_out: int


@dataclass(frozen=True)
class Scatter:
    """Two numbers by group: synthetic rows as points, real rows as counts in cells.

    Attributes:
        x: The column across.
        y: The column upwards.
        group: The column that colours; empty if there is none.
        labels: The groups' labels; the last one may pool the rest.
        points: x, y (as shares of the shown range) and group number of synthetic rows.
        cells: x, y (numbers of the cell) and share of the real rows there.
        grid: Number of cells across and upwards.
        ends: The shown range: x from and to, y from and to, in words.
    """

    x: str
    y: str
    group: str
    labels: tuple[str, ...]
    points: tuple[tuple[float, float, int], ...]
    cells: tuple[tuple[int, int, float], ...]
    grid: tuple[int, int]
    ends: tuple[str, str, str, str]


def distributions(frames: Frames) -> tuple[Distribution, ...]:
    """The distribution of every column that has one."""
    return tuple(_distribution(frames, column) for column in frames.measured)


def heat(frames: Frames) -> Heat | None:
    """The pairs of columns, of at most forty columns; the ones that differ most come first."""
    found = compared_pairs(frames, frames.truth, frames.synthetic)
    if not found:
        return None
    worst: dict[str, float] = {}
    for pair in found:
        for name in (pair.first, pair.second):
            worst[name] = min(pair.score, worst.get(name, 1.0))
    kept = sorted(worst, key=lambda name: worst[name])[:MOST_HEAT_COLUMNS]
    order = tuple(column.name for column in frames.measured if column.name in kept)
    pairs = tuple(pair for pair in found if pair.first in order and pair.second in order)
    return Heat(order, pairs, len(worst) - len(order))


def scatter(frames: Frames, group: str | None = None) -> Scatter | None:
    """The two numbers that go together most, coloured by a category."""
    numbers = [column for column in frames.of("number", "moment") if _varies(frames, column)]
    if len(numbers) < 2:
        return None
    frame = frames.real or frames.synthetic
    strength = np.nan_to_num(np.abs(np.triu(correlations(numbers, frame), 1)))
    strength[strength > 0.999] = 0  # a copy of a column is not a relation
    i, j = divmod(int(strength.argmax()), len(numbers))
    x, y = numbers[i], numbers[j if i != j else 1]
    colour = _colour(frames, group)
    sample = frames.sample(frames.synthetic, MOST_POINTS, "scatter")
    axes = [_axis(frames, column) for column in (x, y)]
    ranges = [(low, high) for low, high, _ in axes]
    grid = (axes[0][2], axes[1][2])
    across, up = (
        (sample[column.name] - low) / (high - low)
        for column, (low, high) in zip((x, y), ranges, strict=True)
    )
    codes, labels = _groups(colour, frame, sample)
    inside = (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
    points = tuple(
        (round(float(a), 4), round(float(b), 4), int(c))
        for a, b, c in zip(across[inside], up[inside], codes[inside], strict=True)
    )
    ends = [_said(column, end) for column in (x, y) for end in _range(frames, column)]
    return Scatter(
        x.name, y.name, colour.name if colour else "", labels, points,
        _cells(frames, (x, y), ranges, grid), grid, (ends[0], ends[1], ends[2], ends[3]),
    )  # fmt: skip


def _distribution(frames: Frames, column: Column) -> Distribution:
    real = frames.real[column.name] if frames.real else None
    made = frames.synthetic[column.name]
    if column.family == "category":
        labels, shares = _label_shares(column, made, real)
    else:
        labels, shares = _bin_shares(frames, column, made, real)
    distance = None if real is None else column_distance(column, real, made)
    return Distribution(
        column.name, column.family, tuple(labels), tuple(shares[0]),
        tuple(shares[1]) if real is not None else (),
        (missing_share(made), missing_share(real) if real is not None else 0.0),
        None if distance is None else 1 - distance,
    )  # fmt: skip


def _label_shares(
    column: Column, made: Array, real: Array | None
) -> tuple[list[str], list[list[float]]]:
    """Shares of the most frequent labels, and of all others together."""
    width = len(column.levels) + 1
    counts = [
        np.bincount(values, minlength=width)[1:] for values in (made, real) if values is not None
    ]
    leader = counts[-1]
    weight = sum(count / max(count.sum(), 1) for count in counts)
    order = np.argsort(-np.asarray(weight), kind="stable")
    known = [int(at) for at in order if real is None or leader[at] >= FEWEST or leader[at] == 0]
    shown = known[:TOP_LABELS]
    rest = np.setdiff1d(np.arange(width - 1), shown)
    labels = [column.levels[at] for at in shown]
    shares = [
        [float(count[at] / max(count.sum(), 1)) for at in shown]
        + ([float(count[rest].sum() / max(count.sum(), 1))] if len(rest) else [])
        for count in counts
    ]
    if len(rest):
        labels.append(f"{len(rest):,} other{'s' if len(rest) > 1 else ''}")
    return labels, shares


def _bin_shares(
    frames: Frames, column: Column, made: Array, real: Array | None
) -> tuple[list[str], list[list[float]]]:
    """Shares in equally wide bins; the outer ones hold everything beyond, too."""
    low, high = _range(frames, column)
    edges = np.linspace(low, high, BINS + 1)
    if column.whole and high - low <= BINS:
        edges = np.arange(np.floor(low), np.ceil(high) + 2) - 0.5
    shares = []
    for values in (made, real):
        if values is None:
            continue
        filled = values[~np.isnan(values)]
        bins = np.clip(np.searchsorted(edges, filled, side="right") - 1, 0, len(edges) - 2)
        counts = np.bincount(bins, minlength=len(edges) - 1)
        shares.append([float(share) for share in counts / max(len(filled), 1)])
    if column.whole and high - low <= BINS:
        return [f"{edge + 0.5:g}" for edge in edges[:-1]], shares
    said = [_said(column, edge) for edge in edges]
    return [f"{a} to {b}" for a, b in pairwise(said)], shares


def _range(frames: Frames, column: Column) -> tuple[float, float]:
    """Nearly the whole range of the real and the synthetic numbers."""
    parts = [frame[column.name] for frame in (frames.real, frames.synthetic) if frame]
    filled = [values[~np.isnan(values)] for values in parts]
    ends = [np.quantile(values, [TAIL, 1 - TAIL]) for values in filled if len(values)]
    if not ends:
        return 0.0, 1.0
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    room = max(0.5, abs(low) * 1e-9)  # beside 10^30 a half is nothing
    return (low, high) if high > low else (low - room, low + room)


def _axis(frames: Frames, column: Column) -> tuple[float, float, int]:
    """The shown range and its number of cells; few whole numbers get a cell each."""
    low, high = _range(frames, column)
    if column.whole and high - low < CELLS:
        return np.floor(low) - 0.5, np.ceil(high) + 0.5, int(np.ceil(high) - np.floor(low)) + 1
    room = (high - low) * 0.02
    return low - room, high + room, CELLS


def _said(column: Column, value: float) -> str:
    """A number or moment on an axis."""
    if column.family == "number":
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    try:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return f"{value:.4g} s"


def _varies(frames: Frames, column: Column) -> bool:
    return all(
        len(np.unique(frame[column.name][:1000])) > 2
        for frame in (frames.real, frames.synthetic)
        if frame
    )


def _colour(frames: Frames, group: str | None) -> Column | None:
    wanted = frames.column(group) if group else None
    if wanted and wanted.family == "category":
        return wanted
    few = [c for c in frames.of("category") if 2 <= len(c.levels) <= MOST_COLOURS]
    return few[0] if few else None


def _groups(
    colour: Column | None, frame: Frame, sample: Frame
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Each sampled row's group, the most frequent first; the last may pool the rest."""
    if colour is None:
        return np.zeros(sample.rows, dtype=np.int64), ()
    counts = np.bincount(frame[colour.name], minlength=len(colour.levels) + 1)[1:]
    top = np.argsort(-counts, kind="stable")[:MOST_COLOURS]
    numbers = np.full(len(colour.levels) + 1, len(top))
    numbers[top + 1] = np.arange(len(top))
    codes = numbers[sample[colour.name]]
    labels = [colour.levels[at] for at in top] + (["other"] if (codes == len(top)).any() else [])
    return codes, tuple(labels)


def _cells(
    frames: Frames,
    columns: tuple[Column, Column],
    ranges: list[tuple[float, float]],
    grid: tuple[int, int],
) -> tuple[tuple[int, int, float], ...]:
    """Where real rows are, as shares of cells that hold a handful of them or more."""
    if frames.real is None:
        return ()
    values = [frames.real[column.name] for column in columns]
    known = ~np.isnan(values[0]) & ~np.isnan(values[1])
    counts, _, _ = np.histogram2d(
        values[0][known], values[1][known], bins=grid, range=[list(pair) for pair in ranges]
    )
    fewest = min(FEWEST, max(1, int(known.sum()) // 200))
    return tuple(
        (int(i), int(j), float(counts[i, j] / max(known.sum(), 1)))
        for i, j in zip(*np.nonzero(counts >= fewest), strict=True)
    )
