"""Whether a rule across tables can be chance.

Were a column independent of what a rule computes for it, each row would agree with the chance of
the common value, so that n rows say n times the entropy of the column. A number that had to be
rounded may be a near miss, and says one bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SURE = 40.0
"""Tables without any rule show one with a chance of 2^-40, about."""

MOST_BITS = 6.0
"""What one row says, at most: neighbouring numbers are alike in most tables."""

FEWEST = 20
"""Rows that a rule needs."""

SPREAD = 20
"""Different numbers that a column needs where a rule has to be rounded to its decimals."""

NEAR = 0.99
"""From this share of rows on, a rule that does not hold on all rows is told as a near miss."""

FEWEST_NEAR = 100
"""Rows that a near miss needs."""

NEARLY = 0.95
"""A copy that so many rows keep is one, with exceptions; so many of the rows without the column's
most common value, too."""


def is_sure(values: NDArray[Any], rows: int, *, choices: int, rounded: bool = False) -> bool:
    """Whether it can't be chance that a rule gives these values.

    Args:
        values: What the rule gives.
        rows: How many of them are independent.
        choices: How many columns there are to choose from.
        rounded: Whether what the rule computes had to be rounded.
    """
    if len(values) < FEWEST or (rounded and len(np.unique(values)) < SPREAD):
        return False
    bits = 1.0 if rounded else min(entropy(values), MOST_BITS)
    return bool(rows * bits >= SURE + 2 * np.log2(max(choices, 1)))


def entropy(values: NDArray[Any]) -> float:
    """Bits of one value."""
    counts = np.unique(values, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def is_worth_telling(rows: int, broken: int) -> bool:
    """Whether a rule that some rows break is a near miss."""
    return rows >= FEWEST_NEAR and broken <= (1 - NEAR) * rows


def has_exceptions(values: NDArray[Any], broken: int) -> bool:
    """Whether a column is a copy that some rows break.

    Args:
        values: The column; one value for all that is missing.
        broken: Rows that break it.
    """
    common = int(np.unique(values, return_counts=True)[1].max())
    return len(values) >= FEWEST_NEAR and broken <= (1 - NEARLY) * (len(values) - common)
