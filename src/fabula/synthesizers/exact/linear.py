"""Sums: columns that are a line or plane over others, found by linear algebra on some rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.exact.formulas import CURVES, Curve, Formula, Sum, curved
from fabula.synthesizers.exact.lines import line, plane
from fabula.synthesizers.exact.measures import Floats
from fabula.synthesizers.exact.sample import Sample

MOST_TERMS = 12

ALIKE = 1e-9
"""1 - r² of two columns that are a line but for the noise of floats."""

DEPENDENT = 1e-6
"""The share of a column's variance that others leave where it may be a sum of them."""

COARSE = 1e-2
"""The same, where rounding to decimals is the reason."""

Ints = NDArray[np.int64]


def lines_from(sample: Sample, root: str, targets: Sequence[str]) -> Iterator[tuple[str, Formula]]:
    """Targets that a line or a curve of one column gives."""
    x = sample.numbers(root)
    left = list(targets)
    for curve in ("", *CURVES):
        heights = curved(curve, x) if curve else x
        if not np.isfinite(heights).all() or not np.ptp(heights) > 0:
            continue
        for name in _near_lines(sample, heights, left):
            y = sample.numbers(name)
            found = line(heights, y, sample.room(name, np.abs(y)))
            if found is None:
                continue
            factor, constant = found
            if curve:
                yield name, Curve(curve, root, factor, constant)
            else:
                yield name, Sum(((root, factor),), constant)


def _near_lines(sample: Sample, heights: Floats, targets: Sequence[str]) -> list[str]:
    if not targets:
        return []
    y = sample.standard(targets)
    x = heights - heights.mean()
    length = float(np.linalg.norm(x))
    if not np.isfinite(length) or length == 0:
        return []
    left = 1.0 - (x / length @ y) ** 2 / len(x)
    return [
        name
        for name, rest in zip(targets, left, strict=True)
        if rest <= _limit(sample, name, ALIKE)
    ]


def _limit(sample: Sample, name: str, least: float) -> float:
    """The share of variance that rounding may leave."""
    rounding = (0.6 * sample.measures[name].step / sample.deviation(name)) ** 2
    return max(least, min(float(rounding), COARSE))


def planes(sample: Sample) -> Iterator[tuple[str, Formula]]:
    """Columns that are sums of others: each sum solved for every column that it can be.

    Columns of small deviation come first, so that totals follow from their parts.
    """
    order = sorted(sample.names, key=sample.deviation)
    if len(order) < 3 or len(sample) < 2 * len(order):
        return
    x = sample.standard(order)
    correlation = x.T @ x / len(x)
    basis, dependent = _independent(
        correlation, [_limit(sample, name, DEPENDENT) for name in order]
    )
    if not len(dependent) or len(basis) < 2:
        return
    parts = np.linalg.lstsq(
        correlation[np.ix_(basis, basis)], correlation[np.ix_(basis, dependent)], rcond=None
    )[0]
    for at, weights in zip(dependent, parts.T, strict=True):
        strongest = basis[np.argsort(-np.abs(weights), kind="stable")]
        yield from _solved(sample, [order[at], *(order[column] for column in strongest)])


def _independent(correlation: Floats, limits: Sequence[float]) -> tuple[Ints, Ints]:
    """Columns that no earlier ones give, and the others (Cholesky's factors, column by column)."""
    size = len(correlation)
    factors = np.zeros((size, size))
    basis: list[int] = []
    dependent: list[int] = []
    for at in range(size):
        known = factors[:, : len(basis)]
        left = correlation[:, at] - known @ known[at]
        if left[at] <= limits[at]:
            dependent.append(at)
            continue
        factors[:, len(basis)] = left / np.sqrt(left[at])
        basis.append(at)
    return np.array(basis, int), np.array(dependent, int)


def _solved(sample: Sample, names: Sequence[str]) -> Iterator[tuple[str, Formula]]:
    """The sum of the first column and the fewest of the others, for each of its columns."""
    for size in range(3, min(MOST_TERMS + 1, len(names)) + 1):
        members = sorted(names[:size], key=sample.deviation, reverse=True)
        found = [(name, made) for name in members if (made := _plane(sample, name, members))]
        if found:
            yield from found
            return


def _plane(sample: Sample, target: str, members: Sequence[str]) -> Formula | None:
    sources = [name for name in members if name != target]
    x = np.column_stack([sample.numbers(name) for name in sources])
    y = sample.numbers(target)
    found = plane(x, y, sample.room(target, np.maximum(np.abs(x).max(axis=1), np.abs(y))))
    if found is None:
        return None
    factors, constant = found
    return Sum(tuple(zip(sources, map(float, factors), strict=True)), constant)
