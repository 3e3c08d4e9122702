"""Random numbers that belong to an agent, a step and a rule, and to nothing else.

Draw k of a rule in a step is a hash of (seed, rule, step, k, agent), splitmix64 as a counter
generator (Steele, Lea and Flood 2014). So an agent draws the same numbers whoever else acts, in
any order and on any number of threads, and a new rule changes no draw of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabula.simulation.agents import Agents
from fabula.simulation.faults import ModelFault
from fabula.simulation.members import Members
from fabula.simulation.moves import ends, within
from fabula.streams import mix, name_key

GOLDEN = 0x9E3779B97F4A7C15
MASK = 2**64 - 1
_LOW_BITS, _TO_UNIT = np.array(11, dtype=np.uint64), np.array(2.0**-53)
_LOOKS = 8
"""Steps from where the guide table points to, before all numbers are searched for."""
AT_ONCE = 16
"""Draws whose keys are made together."""
_STEPS = np.arange(AT_ONCE, dtype=np.uint64) * np.uint64(GOLDEN)
MOST_POISSON = 500
"""Larger means are drawn from the normal distribution with the same mean and variance."""


def mixed(value: int) -> int:
    """`streams.mix` of one number."""
    value &= MASK
    value ^= value >> 30
    value = value * 0xBF58476D1CE4E5B9 & MASK
    value ^= value >> 27
    value = value * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


@lru_cache(maxsize=256)
def rule_key(seed: int, rule: str, step: int) -> int:
    """The number that a rule's draws of a step start from."""
    return mixed(mixed(mixed(seed) ^ name_key(rule)) + step * GOLDEN)


class Draw:
    """The draws of one rule in one step.

    Each method takes agents, and returns one value for each of them, shape (agents,). Numbers that
    say how to draw are one for all, or one an agent.

    Raises:
        ModelFault: Such numbers have another shape, or can be no probability, mean or weight.
    """

    def __init__(self, key: int) -> None:
        self._key = key
        self._count = 0
        self._keys = _STEPS

    def bits(self, a: Agents) -> NDArray[np.uint64]:
        """64 random bits an agent."""
        place = self._count % AT_ONCE
        if not place:
            first = (self._key + self._count * GOLDEN) & MASK
            self._keys = mix(_STEPS + np.uint64(first))
        self._count += 1
        return mix(a.identity + self._keys[place, ...])

    def uniform(
        self, a: Agents, low: ArrayLike = 0.0, high: ArrayLike = 1.0
    ) -> NDArray[np.float64]:
        """Numbers from `low` to below `high`."""
        span = np.asarray(high) - np.asarray(low)
        return self._sized(a, np.asarray(low) + self._unit(a) * span)

    def _unit(self, a: Agents) -> NDArray[np.float64]:
        """Numbers from 0 to below 1, in steps of 2^-53."""
        drawn = self.bits(a)
        drawn >>= _LOW_BITS
        return np.asarray(drawn * _TO_UNIT)

    def chance(self, a: Agents, p: ArrayLike) -> NDArray[np.bool_]:
        """True with probability `p`, one number or one an agent."""
        chances = np.asarray(p)
        if not within(chances, 0, 1):
            raise ModelFault(
                "a probability is below 0, above 1 or not a number", "cut it: `np.clip(p, 0, 1)`"
            )
        return self._sized(a, self._unit(a) < chances)

    def whole(self, a: Agents, low: int, high: int) -> NDArray[np.int64]:
        """Whole numbers from `low` to `high`, both included."""
        if low > high:
            raise ModelFault(f"there is no whole number from {low} to {high}")
        return np.asarray(low + (self._unit(a) * (high - low + 1)).astype(np.int64))

    def normal(self, a: Agents, mean: ArrayLike = 0.0, std: ArrayLike = 1.0) -> NDArray[Any]:
        """Normal numbers (Box and Muller 1958)."""
        _check_positive(std, "standard deviation")
        radius = np.sqrt(-2 * np.log1p(-self._unit(a)))
        drawn = radius * np.cos(2 * np.pi * self._unit(a))
        return self._sized(a, np.asarray(mean) + np.asarray(std) * drawn)

    def exponential(self, a: Agents, mean: ArrayLike) -> NDArray[np.float64]:
        """Exponential numbers with a mean."""
        _check_positive(mean, "mean")
        return self._sized(a, -np.log1p(-self._unit(a)) * np.asarray(mean))

    def poisson(self, a: Agents, mean: ArrayLike) -> NDArray[np.int64]:
        """Counts with a mean, one number or one an agent, by inversion."""
        means = np.asarray(mean, dtype=np.float64)
        _check_positive(means, "mean of a count")
        if means.size and ends(means)[1] > MOST_POISSON:
            drawn = np.rint(self.normal(a, means, np.sqrt(means)))
            return np.asarray(np.maximum(drawn, 0), dtype=np.int64)
        drawn = self._unit(a)
        if means.ndim == 0:
            table = _poisson_table(float(means))
            return table.searchsorted(drawn, side="right")
        self._sized(a, means)
        counts = np.zeros(len(a), dtype=np.int64)
        p = np.exp(-means)
        left = drawn - p
        alive = np.flatnonzero(left >= 0)
        while alive.size:
            counts[alive] += 1
            p[alive] *= means[alive] / counts[alive]
            left[alive] -= p[alive]
            alive = alive[(left[alive] >= 0) & (p[alive] > 1e-18)]
        return counts

    def choice(self, a: Agents, weights: ArrayLike) -> NDArray[np.int64]:
        """Places in `weights`: the same for all, shape (k,), or each agent's own, (agents, k)."""
        own = np.asarray(weights, dtype=np.float64)
        if own.size and (float(own.min()) < 0 or not np.isfinite(own).all()):
            raise ModelFault("a weight is below 0 or not a number")
        drawn = self._unit(a)
        if not len(a):
            return np.zeros(0, dtype=np.int64)
        sums = np.cumsum(own, axis=-1)
        if not own.size or float(sums[..., -1].min()) <= 0:
            raise ModelFault("the weights of a choice add up to 0")
        if own.ndim == 1:
            return places(sums, drawn * sums[-1])
        if own.shape[:-1] != drawn.shape:
            raise ModelFault(f"weights of {len(own)} agents were given for {len(a)} agents")
        return np.asarray((sums[:, :-1] <= (drawn * sums[:, -1])[:, None]).sum(axis=1))

    def member(
        self,
        a: Agents,
        of: Members,
        *,
        weights: ArrayLike | None = None,
        group: NDArray[np.int64] | None = None,
        by: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> Agents:
        """One member of a population for each agent, of any group or of a given one.

        Args:
            a: The agents who choose.
            of: The population to choose from.
            weights: The weight of each member; by default all are alike.
            group: The group that each agent chooses from.
            by: The group of each member, from 0 on.
        """
        if (group is None) != (by is None):
            raise ModelFault("a group is chosen from by `group=` and `by=`, not by one of them")
        if group is None or by is None:
            if len(a) and not len(of):
                raise ModelFault(f"`{of.table_name}` has no members to choose from")
            if weights is None:
                return Agents(of, self.whole(a, 0, max(len(of) - 1, 0)), unique=False)
            return Agents(of, self.choice(a, _weights(weights, of)), unique=False)
        known = _groups(of, weights, by)
        asked = _whole_numbers(self._sized(a, np.asarray(group)))
        if not within(asked, 0, len(known.low) - 1):
            raise ModelFault(f"a group is not in 0 … {len(known.low) - 1}")
        span = known.span[asked]
        if not (known.is_full or span.all()):
            raise ModelFault("agents choose from a group without members")
        place = places(known.sums, known.low[asked] + self._unit(a) * span)
        place = np.minimum(place, known.last[asked])  # a sum may be rounded up to the next group
        return Agents(of, known.order[place], unique=False)

    @staticmethod
    def _sized(a: Agents, values: NDArray[Any]) -> NDArray[Any]:
        if values.shape != (len(a),):
            raise ModelFault(f"{np.size(values)} values were given for {len(a)} agents")
        return values


def _check_positive(values: ArrayLike, what: str) -> None:
    given = np.asarray(values)
    if not given.size:
        return
    lowest, highest = ends(given)
    if not 0 <= lowest <= highest < np.inf:  # nor NaN
        raise ModelFault(f"a {what} is below 0 or not a number")


def places(sums: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of some rising sums are at most each number, as `searchsorted` finds it.

    Many numbers are found by a guide table (Chen and Asau 1974): one look-up says where to start.
    """
    if len(wanted) < 4 * len(sums) or not len(sums):
        return sums.searchsorted(wanted, side="right")
    cells = 4 * len(sums)
    scale = cells / sums[-1]
    guide = np.searchsorted(sums, np.arange(cells + 1) / scale * (1 - 1e-9), side="right")
    found = guide[(wanted * scale).astype(np.int64)]
    for _ in range(_LOOKS):
        behind = sums[np.minimum(found, len(sums) - 1)] <= wanted
        if not behind.any():
            return np.asarray(found)
        found += behind
    return np.asarray(np.searchsorted(sums, wanted, side="right"))


@dataclass(frozen=True)
class _Groups:
    """The members of a population by group.

    Attributes:
        order: Their rows, one group after the other.
        sums: Their weights added up in that order.
        low: What the sum is before each group.
        span: The weight of each group.
        is_full: Whether every group has a weight.
        last: The place of each group's last member in the order.
    """

    order: NDArray[np.int64]
    sums: NDArray[np.float64]
    low: NDArray[np.float64]
    span: NDArray[np.float64]
    is_full: bool
    last: NDArray[np.int64]


def _groups(of: Members, weights: ArrayLike | None, by: ArrayLike) -> _Groups:
    """Members by group; found once in a run where columns that never change say so."""
    key = id(weights), id(by)
    if key in of.grouped:
        known: _Groups = of.grouped[key]
        return known
    groups = _whole_numbers(np.asarray(by))
    if len(groups) != len(of):
        raise ModelFault(f"{len(groups)} groups were given for {len(of)} {of.table_name}")
    weight = np.ones(len(of)) if weights is None else _weights(weights, of)
    order = np.argsort(groups, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weight[order])])
    stops = np.searchsorted(groups[order], np.arange(int(groups.max(initial=-1)) + 2))
    low = sums[stops[:-1]]
    span = sums[stops[1:]] - low
    is_full = bool(span.all())
    made = _Groups(order, sums[1:], low, span, is_full, stops[1:] - 1)
    if of.is_fixed(by) and (weights is None or of.is_fixed(weights)):
        of.grouped[key] = made
    return made


def _weights(weights: ArrayLike, of: Members) -> NDArray[np.float64]:
    """A weight for each member."""
    made = np.asarray(weights, dtype=np.float64)
    if made.shape != (len(of),):
        raise ModelFault(f"{made.size} weights were given for {len(of)} {of.table_name}")
    _check_positive(made, "weight")
    return made


def _whole_numbers(values: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers of groups."""
    if values.size and values.dtype.kind not in "iu":
        raise ModelFault(f"groups are whole numbers from 0 on, and {values.dtype} was given")
    return values.astype(np.int64, copy=False)


@lru_cache(maxsize=64)
def _poisson_table(mean: float) -> NDArray[np.float64]:
    """P(X <= k) for k from 0 until it is 1."""
    most = int(mean + 12 * np.sqrt(mean) + 12)
    steps = np.log(np.full(most, mean)) - np.log(np.arange(1, most + 1)) if mean else [-np.inf]
    return np.cumsum(np.exp(np.cumsum(np.concatenate([[-mean], steps]))))
