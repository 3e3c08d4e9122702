"""Remainders that a column's numbers prefer: 5 and 0 in minutes, 99 in prices, noon in times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MODULI = (5, 7, 10, 12, 60, 100, 1_000, 3_600)
"""Divisors that are tried."""

FEWEST, TURNS = 200, 5
"""Numbers that tell of remainders; and how often all of them come between the ends, at least."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LastDigits:
    """How often each remainder comes.

    Attributes:
        shares: By remainder; their number is the divisor.
    """

    shares: Floats

    @classmethod
    def of(cls, numbers: Floats, protect: int) -> LastDigits | None:
        """The remainders that whole numbers prefer most clearly (BIC), or None if they don't.

        Args:
            numbers: Whole numbers that are not common by themselves.
            protect: Remainders of fewer numbers are as likely as each other.
        """
        if len(numbers) < FEWEST:
            return None
        low, high = np.quantile(numbers, [0.01, 0.99])
        best, found = 0.0, None
        for modulus in MODULI:
            if (high - low) < TURNS * modulus:
                continue
            counts = np.bincount(np.mod(numbers, modulus).astype(np.int64), minlength=modulus)
            rare = counts < max(1, protect)
            shares = np.where(rare, counts[rare].sum() / max(1, rare.sum()), counts) / len(numbers)
            seen = shares > 0
            nats = len(numbers) * float((shares[seen] * np.log(shares[seen] * modulus)).sum())
            gain = nats - (modulus - 1) / 2 * np.log(len(numbers))
            if gain > best:
                best, found = gain, cls(shares)
        return found

    def between(self, low: Floats, high: Floats, u: Floats) -> Floats:
        """A whole number from `low` to `high` each, as likely as its remainder; `u` is uniform."""
        modulus, ends = len(self.shares), np.concatenate([[0.0], np.cumsum(self.shares)])
        start = np.floor(low / modulus) * modulus

        def below(numbers: Floats) -> Floats:
            turns, rest = np.divmod(numbers - start, modulus)
            return np.asarray(turns * ends[-1] + ends[rest.astype(np.int64)])

        first, last = below(low), below(high + 1)
        turns, rest = np.divmod(first + u * (last - first), ends[-1])
        remainder = np.searchsorted(ends, rest, "right") - 1
        drawn = start + turns * modulus + np.minimum(remainder, modulus - 1)
        evenly = low + np.floor(u * (high - low + 1))
        return np.clip(np.where(last - first > 1e-9, drawn, evenly), low, high)
