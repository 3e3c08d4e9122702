"""Sums: columns that are a line or plane over others, found by linear algebra on some rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.constraints.evidence import digits
from fabula.synthesizers.constraints.formulas import CURVES, Curve, Plain, Sum, curved
from fabula.synthesizers.constraints.lines import least_squares, line, plane
from fabula.synthesizers.constraints.measures import Floats
from fabula.synthesizers.constraints.sample import Sample

MOST_TERMS = 12

ALIKE = 1e-9
"""1 - r² of two columns that are a line but for the noise of floats."""

DEPENDENT = 1e-6
"""The share of a column's variance that others leave where it may be a sum of them."""

COARSE = 1e-2
"""The same, where rounding to decimals is the reason."""

LARGE = 0.5
"""The share of the largest deviation that a sum of positive parts has at least."""

OFF = 0.01
"""The share of rows that are left out where they lie farthest off a sum that the others keep."""

_FEW = 300
"""Rows in which pairs of columns are compared."""

Ints = NDArray[np.int64]


def lines(
    sample: Sample, names: Sequence[str], taken: Collection[str]
) -> Iterator[tuple[str, Plain]]:
    """Columns that are a line, or a curve, of one that comes before them.

    Args:
        sample: Some rows.
        names: Columns in the order in which they give others.
        taken: Columns that need no formula any more; may grow meanwhile.
    """
    for (root, target), curves in groupby(_near_lines(sample, names), key=lambda near: near[:2]):
        if root in taken or target in taken:
            continue
        fits = [made for *_, curve in curves if (made := _curve(sample, root, target, curve))]
        if fits:
            yield target, min(fits, key=lambda made: digits(made.constants))


def _curve(sample: Sample, root: str, target: str, curve: str) -> Sum | Curve | None:
    """A line, or a curve of some name, through the numbers of two columns."""
    x, y = sample.numbers(root), sample.numbers(target)
    heights = curved(curve, x) if curve else x
    if not np.isfinite(heights).all():
        return None
    found = line(heights, y, sample.room(target, np.abs(y)))
    if found is None:
        return None
    factor, constant = found
    return Curve(curve, root, factor, constant) if curve else Sum(((root, factor),), constant)


def _near_lines(sample: Sample, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Roots, targets and curves that few rows don't rule out, in the order of roots."""
    if not names:
        return []
    y = np.column_stack([sample.numbers(name)[:: sample.stride(_FEW)] for name in names])
    limits = np.array([_limit(sample, name, ALIKE) for name in names])
    found: list[tuple[int, int, int]] = []
    for number, curve in enumerate(("", *CURVES)):
        x = curved(curve, y) if curve else y
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            near = 1.0 - (_standard(x).T @ _standard(y) / len(y)) ** 2 <= limits
        roots, targets = np.nonzero(np.triu(near, 1))
        found += [(int(r), int(t), number) for r, t in zip(roots, targets, strict=True)]
    curves = ("", *CURVES)
    return [(names[r], names[t], curves[number]) for r, t, number in sorted(found)]


def _standard(x: Floats) -> Floats:
    """Columns of mean 0 and deviation 1; not finite if they are constant or not finite."""
    return np.asarray((x - x.mean(axis=0)) / x.std(axis=0))


def _limit(sample: Sample, name: str, least: float) -> float:
    """The share of variance that rounding may leave."""
    rounding = (0.6 * sample.measures[name].step / sample.deviation(name)) ** 2
    return max(least, min(float(rounding), COARSE))


def planes(sample: Sample) -> Iterator[tuple[str, Plain]]:
    """Columns that are sums of others: each sum solved for every column that it can be.

    Columns of few decimals and of small deviation come first, so that totals follow from their
    parts.
    """
    order = sorted(
        sample.names, key=lambda name: (-sample.measures[name].step, sample.deviation(name))
    )
    if len(order) < 3 or len(sample) < 2 * len(order):
        return
    x = _standard(np.column_stack([sample.numbers(name) for name in order]))
    correlation = x.T @ x / len(x)
    limits = [_limit(sample, name, DEPENDENT) for name in order]
    basis, dependent = _independent(correlation, limits)
    if not len(dependent) or len(basis) < 2:
        return
    parts = np.linalg.lstsq(
        correlation[np.ix_(basis, basis)], correlation[np.ix_(basis, dependent)], rcond=None
    )[0]
    for at, weights in zip(dependent, parts.T, strict=True):
        strongest = basis[np.argsort(-np.abs(weights), kind="stable")]
        yield from _solved(
            sample, [order[at], *(order[column] for column in strongest)], limits[at]
        )


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


def _solved(sample: Sample, names: Sequence[str], limit: float) -> Iterator[tuple[str, Plain]]:
    """The sum of the first column and the fewest of the others, for each of its columns.

    A sum of positive parts comes first, and the column that varies most: the others' errors
    show least in it.
    """
    for size in range(3, min(MOST_TERMS + 1, len(names)) + 1):
        x = _standard(np.column_stack([sample.numbers(name) for name in names[:size]]))
        rest = x[:, 0] - x[:, 1:] @ np.linalg.lstsq(x[:, 1:], x[:, 0], rcond=None)[0]
        if np.mean(rest**2) > limit:
            continue
        members = sorted(names[:size], key=sample.deviation, reverse=True)
        found = {name: made for name in members if (made := _plane(sample, name, names[:size]))}
        if found:
            least = LARGE * sample.deviation(next(iter(found)))
            positive = [
                name
                for name, made in found.items()
                if sample.deviation(name) >= least and all(k > 0 for _, k in made.terms)
            ]
            yield from ((name, found[name]) for name in dict.fromkeys([*positive, *found]))
            return


def _plane(sample: Sample, target: str, members: Sequence[str]) -> Sum | None:
    sources = [name for name in sample.names if name in members and name != target]
    x = np.column_stack([sample.numbers(name) for name in sources])
    y = sample.numbers(target)
    room = sample.room(target, np.maximum(np.abs(x).max(axis=1), np.abs(y)))
    found = plane(x, y, room)
    few = int(OFF * len(y))
    if found is None and few:
        rest = (y - y.mean()) - (x - x.mean(axis=0)) @ least_squares(x, y)
        kept = np.argsort(np.abs(rest), kind="stable")[:-few]
        found = plane(x[kept], y[kept], room[kept])
    if found is None:
        return None
    factors, constant = found
    return Sum(tuple(zip(sources, map(float, factors), strict=True)), constant)
