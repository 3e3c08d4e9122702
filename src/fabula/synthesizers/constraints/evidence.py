"""Whether a relation can be chance.

A formula is tried by every distinct combination of its sources' values. A wrong one that hits the
target without rounding does so with a chance of 2^-entropy of the target; one that needs rounding
may be a near miss, and hits with a chance of one half, and a number that lies between two others
says nothing. That many combinations as the formula has free numbers fit anyhow. What all the others
say together must outweigh the formulas that were tried: 2 to the power of `CHOICE` for each
column, as many again as there are columns to choose from, and the digits of its numbers.

A few rows may break what all the others keep, such as a mistyped total. Which ones they are is one
more choice that the others must outweigh.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.constraints.measures import Flags, Floats

SURE = 40.0
"""A table without any relation shows one with a chance of 2^-40, about."""

CHOICE = 6.0
MOST_BITS = 6.0
"""What one combination says, at most: neighbouring numbers are alike in most tables."""

SPREAD = 20
"""Different numbers that a column needs where a formula has to be rounded to its decimals."""

UNROUNDED = 1e-6
"""The share of a step that a formula may lie alongside a number without being rounded to it."""

UNCLEAR = 0.49
"""From this share of a step on, rounding may go either way."""

EXCEPTIONS = 0.002
"""The share of rows, at most, that may break what the others keep."""

EXCEPTIONS_OF_OTHERS = 0.02
"""The same, of the rows without the column's most common value: a rare event is not an
exception."""

_SIMPLE = 1_000_000
_UNKNOWN_BITS = 50.0
"""What a number costs that is not a fraction of such a denominator."""


def formula_is_sure(
    target: Floats,
    sources: Floats,
    errors: Floats,
    *,
    constants: Collection[float],
    columns: int,
    exceptions: int = 0,
) -> bool:
    """Whether a formula that holds on some rows can't be chance.

    Args:
        target: The target's numbers.
        sources: The sources' numbers, shape (rows, sources).
        errors: How far the formula lies from each number, in steps of the target's lattice; zeros
            if it has none.
        constants: The formula's own numbers.
        columns: Columns to choose from.
        exceptions: Further rows that break it.
    """
    first = np.unique(sources, axis=0, return_index=True)[1]
    rounded = bool((errors > UNROUNDED).any())
    if rounded and len(np.unique(target)) < SPREAD:
        return False
    bits = 1.0 if rounded else min(entropy(target[first]), MOST_BITS)
    clear: Flags = errors[first] <= UNCLEAR
    needed = SURE + (sources.shape[1] + 1) * (CHOICE + np.log2(columns)) + digits(constants)
    needed += choice(len(target) + exceptions, exceptions)
    return bool((clear.sum() - sources.shape[1] - 1) * bits >= needed)


def lookup_is_sure(
    sources: NDArray[np.int64], targets: NDArray[np.int64], *, columns: int, chosen: float = 0.0
) -> bool:
    """Whether it can't be chance that all rows of one source have one target.

    Were the two independent, rows of a source that occurs n times would agree with the chance
    Σ share(target)^n.

    Args:
        sources: A code of each row.
        targets: A code of each row.
        columns: Columns to choose from.
        chosen: What it says, in bits, which rows and sources were left out.
    """
    shares = np.bincount(targets) / len(targets)
    sizes, times = np.unique(np.bincount(sources), return_counts=True)
    logs = np.log2(np.maximum(shares, 1e-300))
    agree = np.array([np.exp2(logs * size).sum() for size in sizes])
    said = -float((np.log2(np.clip(agree, 1e-300, 1.0)) * times)[sizes > 0].sum())
    return bool(said >= SURE + 2 * np.log2(columns) + chosen)


def tolerable(exceptions: int, values: Floats | NDArray[np.int64]) -> bool:
    """Whether so few rows break a relation that it is one all the same.

    Args:
        exceptions: Rows that break it.
        values: The column that follows.
    """
    if not exceptions:
        return True
    common = int(np.unique(values, return_counts=True)[1].max())
    others = EXCEPTIONS_OF_OTHERS * (len(values) - common)
    return exceptions <= min(EXCEPTIONS * len(values), others)


def choice(of: int, chosen: int) -> float:
    """Bits that it takes to say which ones were chosen: log2 of the binomial coefficient."""
    ways = math.lgamma(of + 1) - math.lgamma(chosen + 1) - math.lgamma(of - chosen + 1)
    return ways / math.log(2)


def entropy(values: Floats | NDArray[np.int64]) -> float:
    """Bits of one value."""
    counts = np.unique(values, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def digits(constants: Collection[float]) -> float:
    """How long numbers are, in bits; 0 and 1 cost none, and equal ones are told once."""
    bits = 0.0
    for number in {abs(number) for number in constants}:
        simple = Fraction(number).limit_denominator(_SIMPLE)
        near = abs(float(simple) - number) <= 1e-12 * number
        largest = max(simple.numerator, simple.denominator, 1)
        bits += math.log2(largest) if near else _UNKNOWN_BITS
    return bits
