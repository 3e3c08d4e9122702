"""Time in steps: what happened to an entity up to a step, without a look at other rows.

Each entity and step has draws of its own, hashes of both. What lasts longer than a step is worked
out over a window of steps that ends where a row stands, so a row's value is the same in any block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.engines.special import normal_quantile
from fabula.streams import mix, name_key

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Codes = NDArray[np.uint64]

MOST_CELLS = 1 << 22
"""Entities times steps that are worked out at once."""
FORGOTTEN = 1e-5
"""A shock is left out when this share of it is left."""
LONGEST = 12
"""Spells longer than this many mean lengths end; 1 in 160,000 would last on."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Steps:
    """The steps before and at each row: cells, in which each entity's steps are in order.

    Attributes:
        entity: The entity of each cell, as a hash; shape (cells,).
        step: The step of each cell.
        rows: The cell of each row.
    """

    entity: Codes
    step: Whole
    rows: Whole

    def uniform(self, name: str) -> Floats:
        """A number in (0, 1) for each cell, which belongs to its entity and step."""
        return _unit(mix(mix(self.entity + np.uint64(name_key(name))) + self._moments))

    def normal(self, name: str) -> Floats:
        """A standard normal number for each cell."""
        return normal_quantile(self.uniform(name))

    def lasting(self, name: str, ar: float) -> Floats:
        """Standard normal noise with correlation `ar` from one step to the next.

        The sum of the last K shocks, weighted by powers of `ar`; K is a power of two, so that
        log2(K) shifts make it: the product over j of (1 + ar^(2^j) L^(2^j)).
        """
        noise = self.normal(name)
        if not ar:
            return noise
        terms = memory(ar)
        for j in range(terms.bit_length() - 1):
            reach = 1 << j
            earlier = noise[:-reach] * ar**reach
            noise[reach:] += earlier
        return noise * math.sqrt((1 - ar * ar) / (1 - ar ** (2 * terms)))

    def spells(self, name: str, share: float, length: float) -> tuple[NDArray[np.bool_], Whole]:
        """Which cells lie in a spell, and the cell where the latest one started.

        Spells of geometric length start by chance; the latest start decides. A cell lies in one
        with probability p / (1 - (1 - p) r), where p is the chance of a start and r = 1 - 1/length.
        """
        stays = 1 - 1 / length
        starts = share * (1 - stays) / (1 - share * stays)
        begins = self.uniform(name) < starts
        cells = np.arange(len(begins))
        first = np.maximum.accumulate(np.where(begins, cells, -1))
        lasts = np.ones(len(begins), dtype=np.int64)
        if stays:
            drawn = np.log(self.uniform(f"{name}:length")) / math.log(stays)
            lasts = np.minimum(1 + drawn.astype(np.int64), reach_of(length))
        return (first >= 0) & (cells < first + lasts[first]), first

    @property
    def _moments(self) -> Codes:
        return self.step.astype(np.uint64) * _GOLDEN


def memory(ar: float) -> int:
    """How many shocks noise remembers: a power of two."""
    if not ar:
        return 1
    return 1 << math.ceil(math.log2(max(1.0, math.log(FORGOTTEN) / math.log(abs(ar)))))


def reach_of(length: float) -> int:
    """The most steps that a spell of a mean length lasts."""
    return math.ceil(LONGEST * length) if length > 1 else 1


def unit(entity: Codes, name: str) -> Floats:
    """A number in (0, 1) for each entity."""
    return _unit(mix(entity + np.uint64(name_key(name))))


def steps_of(entity: Codes, step: Whole, reach: int) -> Steps | None:
    """The cells that rows need: their own and up to `reach` before; None if they are too many.

    Args:
        entity: Each row's entity, as a hash.
        step: Each row's step.
        reach: How many steps back each row looks.
    """
    order = np.lexsort((step, entity))
    who, when = entity[order], step[order]
    ahead = np.diff(when)
    breaks = (who[1:] != who[:-1]) | (ahead > reach)
    starts = np.concatenate([[True], breaks])
    gained = np.concatenate([[0], np.where(breaks, reach + 1, ahead)])
    total = int(gained.sum()) + reach + 1
    if total > MOST_CELLS and len(step) > 1:
        return None
    cell = np.cumsum(gained) + reach
    rows = np.empty_like(cell)
    rows[order] = cell
    first = cell[starts] - reach  # where each run of cells begins
    lengths = np.diff(np.append(first, total))
    offset = np.repeat(when[starts] - cell[starts], lengths)
    return Steps(np.repeat(who[starts], lengths), np.arange(total) + offset, rows)


def _unit(bits: Codes) -> Floats:
    """Hashes as numbers in (0, 1), in steps of 2^-53."""
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
