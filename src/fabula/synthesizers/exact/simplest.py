"""The simplest number in an interval: 0.05 rather than 0.0499999983."""

from __future__ import annotations

import math
from fractions import Fraction


def simplest_between(low: float, high: float) -> float:
    """The fraction of the smallest denominator from `low` to `high` (Stern and Brocot).

    Args:
        low: A finite number.
        high: A finite number, not below `low`.
    """
    if low <= 0 <= high:
        return 0.0
    if high < 0:
        return -simplest_between(-high, -low)
    return float(_simplest(Fraction(low), Fraction(high)))


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The same for positive bounds, by their continued fractions."""
    whole = math.ceil(low)
    if whole <= high:
        return Fraction(whole)
    below = whole - 1
    return below + 1 / _simplest(1 / (high - below), 1 / (low - below))
