"""Rules of one agent in plain Python: what they see, and the loop over agents.

`numba_rules` has the same, compiled; both give the same numbers.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.simulation.draws import GOLDEN, mixed
from fabula.simulation.faults import ModelFault
from fabula.simulation.populations import Population
from fabula.simulation.shared_chance import no_other_chance
from fabula.simulation.watch import bounded

KEY_BITS = np.uint64(20)
"""Bits of a rank that the order of agents leaves out: 44 decide."""


def tuple_of(name: str, fields: Iterable[str]) -> Any:
    """The class of tuples with some fields: the same one each time, or numba compiles again."""
    return _tuple_of(name, tuple(fields))


@cache
def _tuple_of(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


@dataclass(frozen=True)
class Acting:
    """What the loop over agents takes.

    Attributes:
        population: The agents.
        loop: The rows that act in their order, what rules see, their draws, the tables that they
            add to, and the counts of those.
    """

    population: Population
    loop: tuple[NDArray[np.int64], Any, Any, Any, NDArray[np.int64]]


class Held:
    """A conserved column: `amount` by row; `moved` has the sums that arrived and were taken."""

    def __init__(self, amount: NDArray[np.int64], moved: NDArray[np.int64]) -> None:
        self.amount, self.moved = amount, moved

    def left(self, row: int) -> int:
        """What a row has."""
        return int(self.amount[row_of(row)])

    def take(self, row: int, quantity: int) -> bool:
        """Take a quantity from a row, where there is enough; whether there was."""
        if quantity < 0 or self.amount[row_of(row)] < quantity:
            return False
        self.amount[row] -= quantity
        self.moved[1] += quantity
        return True

    def arrive(self, row: int, quantity: int) -> None:
        """Let a quantity come to a row; one below 0 does not."""
        if quantity > 0:
            self.amount[row_of(row)] += quantity
            self.moved[0] += quantity

    def give(self, row: int, other: Held, to: int, quantity: int) -> bool:
        """Move a quantity to a row of another column, or of this one."""
        if self.moved is not other.moved:
            if not self.take(row, quantity):
                return False
            other.arrive(to, quantity)
            return True
        if quantity < 0 or self.amount[row_of(row)] < quantity:
            return False
        self.amount[row] -= quantity
        self.amount[row_of(to)] += quantity
        return True


class Draws:
    """The draws of one agent in one step.

    Attributes:
        state: The rule's key, the agent's number, and how many were drawn.
    """

    def __init__(self, state: NDArray[np.uint64]) -> None:
        self.state = state

    def uniform(self) -> float:
        """A number from 0 to below 1."""
        key, agent, count = (int(value) for value in self.state)
        self.state[2] = count + 1
        drawn = mixed(agent + mixed(key + count * GOLDEN))
        return float(drawn >> 11) * 2.0**-53

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return whole_of(self.uniform(), low, high)

    def poisson(self, mean: float) -> int:
        """A count with a mean of at most 500, by inversion."""
        return count_of(self.uniform(), mean)

    def pick(self, sums: NDArray[np.float64], low: int, high: int) -> int:
        """A place from `low` to below `high`, by cumulative weights."""
        return place_of(self.uniform(), sums, low, high)


def row_of(row: int) -> int:
    """A row, and not -1, a missing reference, which would mean the last one; also compiled."""
    if row < 0:
        raise IndexError("a row is below 0: is a reference missing?")
    return row


def whole_of(drawn: float, low: int, high: int) -> int:
    """The whole number from `low` to `high` that a draw gives; like the next two also compiled."""
    return low + int(drawn * (high - low + 1))


def count_of(drawn: float, mean: float) -> int:
    """The Poisson count that a draw gives, by inversion."""
    left, count, p = drawn, 0, math.exp(-mean)
    left -= p
    while left >= 0 and p > 1e-18:
        count += 1
        p *= mean / count
        left -= p
    return count


def place_of(drawn: float, sums: NDArray[np.float64], low: int, high: int) -> int:
    """The place from `low` to below `high` that a draw gives, by cumulative weights."""
    if not 0 <= low < high <= len(sums):
        raise IndexError(
            "there is nothing to pick from: `low` … `high` is empty or beyond the sums"
        )
    before = sums[low - 1] if low > 0 else 0.0
    wanted = before + drawn * (sums[high - 1] - before)
    size = high - low
    while size > 1:  # without branches that depend on chance
        half = size // 2
        low += half * (sums[low + half - 1] <= wanted)
        size -= half
    return low


class Table:
    """Room for the rows of an event table."""

    def __init__(self, count: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> None:
        self.count, self._columns = count, columns

    def add(self, *values: Any) -> int:
        """Add a row: its values in the order of the columns, without the time; its number."""
        if len(values) != len(self._columns):
            raise ModelFault(f"a row has {len(values)} values, and {len(self._columns)} are needed")
        used = int(self.count[0])
        self.count[0] = used + 1
        for column, value in zip(self._columns.values(), values, strict=True):
            if used < len(column):
                column[used] = value
        return used + int(self.count[1])


class PlainDriver:
    """Calls a rule for one agent after the other."""

    held, draws, table = Held, Draws, Table

    def __init__(
        self, step: Callable[..., Any], awake: Callable[..., Any] | None, limit: float
    ) -> None:
        self._step, self._awake, self._limit = step, awake, limit

    def acting(
        self, population: Population, seen: Any, draw: Any, key: int
    ) -> NDArray[np.int64] | None:
        """The rows of the agents that act; None if all do."""
        if self._awake is None:
            return None
        draw.state[0] = key
        records = population.records()
        acts = np.zeros(len(population), dtype=bool)
        with no_other_chance(), bounded(self._limit):
            for row, agent in enumerate(population.identity):
                draw.state[1:] = agent, 0
                acts[row] = self._awake(records[row], seen, draw)
        return np.flatnonzero(acts)

    @staticmethod
    def sorted(keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows by their keys, equal ones in the order of rows."""
        return rows[np.argsort(keys, kind="stable")]

    def run(self, acting: Acting, place: int) -> int:
        """Let agents act until all did, or a table is nearly full; how many did."""
        records, identity = acting.population.records(), acting.population.identity
        order, seen, draw, out, counts = acting.loop
        with no_other_chance(), bounded(self._limit):
            while place < len(order) and (counts[:, 0] <= counts[:, 2]).all():
                row = order[place]
                draw.state[1:] = identity[row], 0
                self._step(records[row], seen, draw, out)
                place += 1
        return place
