"""What a grouping by quasi-identifiers promises: k, l and t, and k with blanks as wildcards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fabula.privacy.kanonymity.combinations import Keys, Sensitive, Whole

_DENSE = 4_000_000


@dataclass(frozen=True)
class Wanted:
    """What every group must keep.

    Attributes:
        k: Fewest rows (Sweeney 2002).
        l: Fewest distinct sensitive values (Machanavajjhala et al. 2007).
        t: Greatest distance of a group's sensitive values from those of all rows (Li, Li and
            Venkatasubramanian 2007); 1 allows any.
    """

    k: int
    l: int = 1  # noqa: E741  (the name that the field has for it)
    t: float = 1.0


@dataclass(frozen=True)
class Promise:
    """What a release keeps.

    Attributes:
        k: The smallest group, with a blank as its own value.
        k_wildcard: The fewest rows that fit a row, where a blank fits everything.
        l: Of each sensitive column, the fewest distinct values of a group.
        l_entropy: Of each sensitive column, the fewest effective values of a group, 2 to the power
            of Shannon's entropy.
        t: Of each sensitive column, the greatest distance of a group from all rows.
        groups: How many groups there are.
        one_valued: The share of rows whose group gives a sensitive value away.
    """

    k: int
    k_wildcard: int
    l: dict[str, int]  # noqa: E741
    l_entropy: dict[str, float]
    t: dict[str, float]
    groups: int
    one_valued: float


class Judge:
    """Tells which groups of combinations keep what is wanted.

    Args:
        counts: The rows of each combination.
        sensitive: The sensitive columns.
        wanted: What groups must keep.
    """

    def __init__(self, counts: Whole, sensitive: Sequence[Sensitive], wanted: Wanted) -> None:
        self.counts, self.sensitive, self.wanted = counts, sensitive, wanted

    @property
    def wants_variety(self) -> bool:
        """Whether groups must keep more than their size."""
        return self.wanted.l > 1 or self.wanted.t < 1

    def keeps(self, members: Whole, group: Whole, groups: int) -> NDArray[np.bool_]:
        """Whether each group keeps what is wanted.

        Args:
            members: Combinations.
            group: The group of each, from 0.
            groups: How many groups there are.
        """
        kept = np.bincount(group, self.counts[members], groups) >= self.wanted.k
        if not self.wants_variety:
            return kept
        for column in self.sensitive:
            tallies = _Tallies(column, members, group, len(self.counts), groups)
            if self.wanted.l > 1:
                kept &= tallies.distinct() >= self.wanted.l
            if self.wanted.t < 1:
                kept &= tallies.distances() <= self.wanted.t + 1e-12
        return kept


class _Tallies:
    """The rows of each group and sensitive value."""

    def __init__(
        self, column: Sensitive, members: Whole, group: Whole, combinations: int, groups: int
    ) -> None:
        place = np.full(combinations, -1, np.int64)
        place[members] = group
        at = place[column.combination]
        inside = at >= 0
        keys = at[inside] * column.values + column.code[inside]
        found, number = np.unique(keys, return_inverse=True)
        self.group, self.code = found // column.values, found % column.values
        self.count = np.bincount(number, column.count[inside], len(found))
        self.column, self.groups = column, groups
        self.sizes = np.bincount(self.group, self.count, groups)

    def distinct(self) -> Whole:
        return np.bincount(self.group, minlength=self.groups)

    def entropies(self) -> NDArray[np.float64]:
        shares = self.count / self.sizes[self.group]
        return np.asarray(np.bincount(self.group, -shares * np.log2(shares), self.groups), float)

    def distances(self) -> NDArray[np.float64]:
        """Earth mover's distance to all rows: equal steps between ordered values, else 1."""
        column = self.column
        overall = np.bincount(column.code, column.count, column.values) / column.count.sum()
        found = np.zeros(self.groups)
        step = max(1, _DENSE // column.values)
        order = np.argsort(self.group, kind="stable")
        ends = np.searchsorted(self.group[order], np.arange(0, self.groups + step, step))
        for part, (start, end) in enumerate(pairwise(ends)):
            low = part * step
            some, size = order[start:end], min(step, self.groups - low)
            shares = np.zeros((size, column.values))
            shares[self.group[some] - low, self.code[some]] = self.count[some]
            gaps = shares / np.maximum(self.sizes[low : low + size, None], 1) - overall
            if column.ordered:
                moved = np.abs(np.cumsum(gaps, axis=1)).sum(axis=1) / max(1, column.values - 1)
            else:
                moved = np.abs(gaps).sum(axis=1) / 2
            found[low : low + size] = moved
        return found


def promise_of(codes: Whole, counts: Whole, sensitive: Sequence[Sensitive]) -> Promise:
    """What released codes keep; 0 is a blank.

    Args:
        codes: The released codes of each combination.
        counts: The rows of each combination.
        sensitive: The sensitive columns.
    """
    keys = Keys(codes)
    groups = len(keys.distinct)
    sizes = np.bincount(keys.of, counts, groups).astype(np.int64)
    first = np.zeros(groups, np.int64)
    first[keys.of] = np.arange(len(codes))
    everyone = np.arange(len(codes))
    fewest, entropies, farthest = {}, {}, {}
    told = np.zeros(groups, bool)
    for column in sensitive:
        tallies = _Tallies(column, everyone, keys.of, len(counts), groups)
        fewest[column.name] = int(tallies.distinct().min())
        entropies[column.name] = float(2 ** tallies.entropies().min())
        farthest[column.name] = float(tallies.distances().max())
        told |= tallies.distinct() == 1
    return Promise(
        int(sizes.min()), _wildcard_k(codes[first], sizes), fewest, entropies, farthest, groups,
        float(sizes[told].sum() / sizes.sum()),
    )  # fmt: skip


def _wildcard_k(codes: Whole, sizes: Whole) -> int:
    """The fewest rows that fit a group, where a blank on either side fits everything.

    Groups of one pattern of blanks are compared with those of another by their common columns.
    """
    blanks = codes == 0
    patterns, number = np.unique(blanks, axis=0, return_inverse=True)
    number = number.reshape(-1)
    fitting = np.zeros(len(codes), np.int64)
    for one in range(len(patterns)):
        asked = np.flatnonzero(number == one)
        for other in range(len(patterns)):
            there = np.flatnonzero(number == other)
            common = ~(patterns[one] | patterns[other])
            if not common.any():
                fitting[asked] += sizes[there].sum()
                continue
            keys = Keys(np.concatenate([codes[asked], codes[there]])[:, common]).of
            total = np.bincount(keys[len(asked) :], sizes[there], keys.max() + 1)
            fitting[asked] += total[keys[: len(asked)]].astype(np.int64)
    return int(fitting.min())
