"""Products and ratios of two columns, found by their logarithms.

Where `a = k · b · c^power`, the logarithms of two rows differ by `Δa = Δb + power · Δc`, whatever k
is. So for each a and b the wanted Δc is known, and is looked up among those of all columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.constraints.formulas import Factor, Plain, Product
from fabula.synthesizers.constraints.lines import simple_factor
from fabula.synthesizers.constraints.measures import Floats
from fabula.synthesizers.constraints.sample import Sample

POWERS = (1, -1, -2, 2)
"""Powers of the second column that are tried, in this order."""

PERCENT = 100

FEW_COLUMNS = 50
"""In wider tables shares and percentages are not looked at."""

PROBES = 12
"""Rows that are compared at first."""

Ints = NDArray[np.int64]


def products(sample: Sample, targets: Sequence[str]) -> Iterator[tuple[str, Plain]]:
    """Columns that are a product or ratio of two, those that vary most at first.

    Where three columns belong together, each is given by the two others; the one of the widest
    range is the product.
    """
    names = sample.names
    if len(names) < 3:
        return
    factors = _factors(sample)
    values = np.column_stack([sample.numbers(name) for name, _, _ in factors])
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(values * [k for *_, k in factors] + [c for _, c, _ in factors]))
    ranges = {name: _log_range(logs[:, at]) for at, name in enumerate(names)}
    for target in sorted(targets, key=lambda name: -ranges[name]):
        at = names.index(target)
        room = sample.room(target, np.abs(values[:, at]))
        for b, c, power in _pairs(values[:, at], room, logs):
            if b >= len(names):
                continue  # a rate alone is not an amount
            made = ((names[b], 1, 0.0, 1.0), (factors[c][0], power, *factors[c][1:]))
            found = _product(sample, target, made)
            if found is not None:
                yield target, found


def _factors(sample: Sample) -> list[tuple[str, float, float]]:
    """Columns, then what shares and percentages of them add or leave: offset and rate of each."""
    names = sample.names
    found = [(name, 0.0, 1.0) for name in names]
    for name in names if len(names) <= FEW_COLUMNS else ():
        low, high = sample.numbers(name).min(), sample.numbers(name).max()
        if low >= 0 and high <= PERCENT:
            rate = 1.0 if high <= 1 else 1 / PERCENT
            found += [(name, 1.0, -rate), (name, 1.0, rate)]
    return found


def _log_range(logs: Floats) -> float:
    finite = logs[np.isfinite(logs)]
    return float(finite.std()) if len(finite) else 0.0


def _pairs(numbers: Floats, room: Floats, logs: Floats) -> Iterator[tuple[int, int, int]]:
    """Pairs of columns, and a power, whose logarithms fit those of a target in a few rows."""
    rows = _probes(numbers)
    if len(rows) < PROBES:
        return
    own = np.log(np.abs(numbers[rows]))
    with np.errstate(invalid="ignore"):
        steps = logs[rows[1:]] - logs[rows[0]]
    columns = np.flatnonzero(np.isfinite(steps).all(axis=0) & (np.abs(steps) > 0).any(axis=0))
    steps, target = steps[:, columns], own[1:] - own[0]
    room = room[rows] / np.abs(numbers[rows])
    room = 2 * (room[1:] + room[0]) + 1e-9
    order = np.argsort(steps[0], kind="stable")
    for power in POWERS:
        wanted, near = (target[:, None] - steps) / power, room / abs(power)
        low = np.searchsorted(steps[0, order], wanted[0] - near[0], "left")
        many = np.searchsorted(steps[0, order], wanted[0] + near[0], "right") - low
        b = np.repeat(np.arange(len(columns)), many)
        c = order[np.arange(len(b)) - np.repeat(np.cumsum(many) - many - low, many)]
        for row in range(1, len(steps)):
            fits = np.abs(steps[row, c] - wanted[row, b]) <= near[row]
            b, c = b[fits], c[fits]
        fits = (b < c) if power == 1 else (b != c)
        for first, second in zip(columns[b[fits]], columns[c[fits]], strict=True):
            yield int(first), int(second), power


def _probes(numbers: Floats) -> Ints:
    """Rows of different large numbers: rounding matters least there."""
    rows = np.unique(np.abs(numbers), return_index=True)[1]  # from the smallest number on
    rows = rows[len(rows) // 2 :] if len(rows) >= 4 * PROBES else rows
    rows = rows[numbers[rows] != 0]
    return np.asarray(rows[np.unique(np.linspace(0, len(rows) - 1, PROBES).astype(int))])


def _product(sample: Sample, target: str, factors: tuple[Factor, Factor]) -> Plain | None:
    (b, *_), (c, power, offset, rate) = factors
    if b == c:
        return None
    y = sample.numbers(target)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = sample.numbers(b) * (offset + rate * sample.numbers(c)) ** float(power)
    if not np.isfinite(x).all():
        return None
    factor = simple_factor(x, y, sample.room(target, np.abs(y)))
    return None if factor is None else Product(factors, factor)
