"""Whether a relation can be chance.

A formula is tried by every distinct combination of its sources' values: one that is wrong agrees
on such a combination with a chance of at most `2 ** -bits`, the entropy of the target among them.
So many combinations as the formula has free numbers agree anyhow. What all the others say together
must outweigh the formulas that were tried, 2 to the power of `HYPOTHESIS` for each column involved
and again as many as there are columns to choose from, by `SURE` bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.exact.measures import Floats

SURE = 40.0
"""A table of no exact relation shows one with a chance of 2^-40, about."""

HYPOTHESIS = 6.0
MOST_BITS = 6.0
"""What one combination says, at most: neighbouring numbers are alike in most tables."""

SPREAD = 20
"""Different numbers that a column needs where a formula has to be rounded to its decimals."""


def entropy(values: NDArray[np.float64] | NDArray[np.int64]) -> float:
    """Bits of one value."""
    counts = np.unique(values, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def formula_is_sure(target: Floats, sources: Floats, *, free: int, columns: int) -> bool:
    """Whether a formula that holds on some rows can't be chance.

    Args:
        target: The target's numbers.
        sources: The sources' numbers, shape (rows, sources).
        free: Free numbers of the formula.
        columns: Columns to choose from.
    """
    first = np.unique(sources, axis=0, return_index=True)[1]
    bits = min(entropy(target[first]), MOST_BITS)
    needed = SURE + (sources.shape[1] + 1) * (HYPOTHESIS + np.log2(columns))
    return bool((len(first) - free) * bits >= needed)


def lookup_is_sure(sources: NDArray[np.int64], targets: NDArray[np.int64], *, columns: int) -> bool:
    """Whether it can't be chance that all rows of one source have one target.

    Were the two independent, rows of a source that occurs n times would agree with the chance
    Σ share(target)^n.

    Args:
        sources: A code of each row.
        targets: A code of each row.
        columns: Columns to choose from.
    """
    shares = np.bincount(targets) / len(targets)
    sizes, times = np.unique(np.bincount(sources), return_counts=True)
    filled = sizes > 0
    logs = np.log2(np.maximum(shares, 1e-300))
    agree = np.array([np.exp2(logs * size).sum() for size in sizes[filled]])
    said = -float((np.log2(np.minimum(np.maximum(agree, 1e-300), 1.0)) * times[filled]).sum())
    return bool(said >= SURE + 2 * np.log2(columns))
