"""The simplest number in an interval: 0.05 rather than 0.0499999983, 86,400 rather than 86,360."""

from __future__ import annotations

import math
from fractions import Fraction

_DIGITS = 17
"""Digits that distinguish all floats."""


def simplest_between(low: float, high: float) -> float:
    """The decimal of fewest digits from `low` to `high`, or a fraction that is simpler.

    Args:
        low: A finite number.
        high: A finite number, not below `low`.
    """
    if low <= 0 <= high:
        return 0.0
    if high < 0:
        return -simplest_between(-high, -low)
    fraction = _simplest(Fraction(low), Fraction(high))
    whole = fraction.denominator == 1
    most = len(str(fraction.numerator).rstrip("0")) if whole else _DIGITS
    for digits in range(1, most):
        if not whole and 10**digits > fraction.denominator:
            break
        decimal = float(f"{(low + high) / 2:.{digits - 1}e}")
        if low <= decimal <= high:
            return decimal
    return float(fraction)


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of the smallest denominator between positive bounds (Stern and Brocot)."""
    whole = math.ceil(low)
    if whole <= high:
        return Fraction(whole)
    below = whole - 1
    return below + 1 / _simplest(1 / (high - below), 1 / (low - below))
