"""The simplest factors with which some columns give another one on every row, or none.

Decimals hide the true factors: a tax of 0.05 · price is known to half a cent. All factors between
the bounds that the rows leave are as good, and the simplest of them is taken.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fabula.synthesizers.constraints.measures import Floats
from fabula.synthesizers.constraints.simplest import simplest_between

_WIDTHS = (4.0, 1.0, 0.1)
"""Standard errors around an estimated factor in which simple ones are looked for."""

_WHOLE = 0.999
"""The share of its room by which a row is off that lies between two numbers: half a unit from
both, so that either would fit."""

_SMALLEST = 1e-12
"""Relative width of an interval of factors, at least."""


def simple_factor(x: Floats, y: Floats, room: Floats) -> float | None:
    """The simplest factor with `|factor · x - y| <= room` on every row."""
    zero = x == 0
    if (np.abs(y[zero]) > room[zero]).any() or zero.all():
        return None
    size = np.abs(x[~zero])
    centre, width = y[~zero] * np.sign(x[~zero]) / size, room[~zero] / size
    low, high = float((centre - width).max()), float((centre + width).min())
    if not (np.isfinite(low) and np.isfinite(high)) or low > high:
        return None
    return simplest_between(low, high) or None


def line(x: Floats, y: Floats, room: Floats) -> tuple[float, float] | None:
    """Factor and constant with `|factor · x + constant - y| <= room` on every row.

    Args:
        x: Finite numbers, not all the same.
        y: As many finite numbers.
        room: How far each may lie alongside the line.
    """
    factor = simple_factor(x, y, room)
    if factor is not None:
        return factor, 0.0
    for factors in _estimates(x[:, None], y, room):
        constant = _constant(factors[0] * x, y, room)
        if constant is not None and factors[0] != 0:
            return float(factors[0]), constant
    return None


def plane(x: Floats, y: Floats, room: Floats) -> tuple[Floats, float] | None:
    """Factors and a constant with `|x @ factors + constant - y| <= room` on every row.

    Args:
        x: Finite numbers, shape (rows, columns).
        y: As many finite numbers as rows.
        room: How far each may lie alongside the plane.
    """
    signs = np.sign(least_squares(x, y))
    same = line(x @ signs, y, room)  # the same factor for all is simpler, and known better
    if same is not None:
        return same[0] * signs, same[1]
    for factors in _estimates(x, y, room):
        constant = _constant(x @ factors, y, room)
        if constant is not None and factors.all():
            return factors, constant
    return None


def _constant(x: Floats, y: Floats, room: Floats) -> float | None:
    """The simplest constant between `x` and `y`; None if it misses each row by all its room."""
    low, high = float((y - x - room).max()), float((y - x + room).min())
    if low > high:
        return None
    found = simplest_between(low, high)
    return None if (np.abs(x + found - y) >= _WHOLE * room).all() else found


def _estimates(x: Floats, y: Floats, room: Floats) -> Iterator[Floats]:
    """Simple factors near those of least squares, from the simplest ones on."""
    factors = least_squares(x, y)
    centred = x - x.mean(axis=0)
    spread = np.linalg.pinv(centred.T @ centred).diagonal()
    errors = np.sqrt(np.maximum(spread, 0.0)) * float(np.sqrt(np.mean(room**2)))
    for width in _WIDTHS:
        around = np.maximum(width * errors, _SMALLEST * np.abs(factors))
        pairs = zip(factors - around, factors + around, strict=True)
        yield np.array([simplest_between(float(low), float(high)) for low, high in pairs])
    yield factors


def least_squares(x: Floats, y: Floats) -> Floats:
    """Factors of `x` that give `y` best, alongside a constant."""
    centred, scale = x - x.mean(axis=0), np.maximum(x.std(axis=0), 1e-300)
    found = np.linalg.lstsq(centred / scale, y - y.mean(), rcond=None)[0]
    return np.asarray(found / scale)
