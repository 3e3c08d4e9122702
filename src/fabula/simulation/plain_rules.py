"""Rules of one agent in plain Python: what they see, and the loop over agents.

`numba_rules` has the same, compiled; both give the same numbers.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.simulation.draws import GOLDEN, mixed
from fabula.simulation.faults import ModelFault
from fabula.simulation.populations import Population
from fabula.simulation.shared_chance import no_other_chance
from fabula.simulation.watch import bounded
from fabula.streams import mix

KEY_BITS = np.uint64(20)
"""Bits of a rank that the order of agents leaves out: 44 decide."""
KEYS = 16
"""Draws of an agent whose keys are made once a step."""
NEAR = 32
"""Places among which one is found by counting, and not by halving."""


def tuple_of(name: str, fields: Iterable[str]) -> Any:
    """The class of tuples with some fields: the same one each time, or numba compiles again."""
    return _tuple_of(name, tuple(fields))


@cache
def _tuple_of(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


class Held:
    """A conserved column.

    Attributes:
        amount: What each row has.
        moved: The sums that arrived and were taken, and a number that tells columns apart.
    """

    def __init__(self, amount: NDArray[np.int64], moved: NDArray[np.int64]) -> None:
        self.amount, self.moved = amount, moved

    def left(self, row: int) -> int:
        """What a row has."""
        return left(self, row)

    def take(self, row: int, quantity: int) -> bool:
        """Take a quantity from a row, where there is enough; whether there was."""
        _check_whole(None, np.int64, quantity)
        return take(self, row, quantity)

    def arrive(self, row: int, quantity: int) -> None:
        """Let a quantity come to a row; one below 0 does not."""
        _check_whole(None, np.int64, quantity)
        arrive(self, row, quantity)

    def give(self, row: int, other: Held, to: int, quantity: int) -> bool:
        """Move a quantity to a row of another column, or of this one."""
        _check_whole(None, np.int64, quantity)
        return give(self, row, other, to, quantity)


class Agent(np.record):  # type: ignore[misc]  # numpy's type of a record is its own class
    """The record of one agent, whose whole numbers take no fractions."""

    def __setattr__(self, name: str, value: Any) -> None:
        _check_whole(name, self.dtype.fields[name][0], value)  # type: ignore[index]
        super().__setattr__(name, value)


class States(np.ndarray[Any, Any]):
    """A column that rules write; one of whole numbers takes no fractions."""

    name = ""

    def __setitem__(self, place: Any, value: Any) -> None:
        _check_whole(self.name, self.dtype, value)
        super().__setitem__(place, value)


def _check_whole(name: str | None, kind: Any, value: Any) -> None:
    """Make sure that numpy does not cut a fraction off where a value is kept."""
    given = np.asarray(value).dtype
    if given.kind == "f" and np.dtype(kind).kind in "iub":
        raise cut_off(name, np.dtype(kind).name, given.name)


def cut_off(name: str | None, kind: str, given: str) -> ModelFault:
    """The error of a number with a fraction where whole ones are kept.

    Args:
        name: The column; None for a quantity that is moved.
        kind: The type that is kept.
        given: The type that was given.
    """
    if name is None:
        return ModelFault(
            f"a quantity is whole, and {given} was given: a fraction would be lost",
            "round it: `round(x)`; money is in whole cents",
        )
    return ModelFault(
        f"`{name}` is {kind}, and {given} was given: a fraction would be lost",
        "round it: `round(x)`; columns of `state(0.0)` and of `float` keep fractions",
    )


class Draws:
    """The draws of one agent in one step.

    Attributes:
        state: The agent's number, how many it drew, and the rule's key.
        keys: The keys of its first draws.
    """

    def __init__(self) -> None:
        self.state, self.keys = [0] * 3, [0] * KEYS

    def uniform(self) -> float:
        """A number from 0 to below 1."""
        return uniform(self)

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return whole(self, low, high)

    def poisson(self, mean: float) -> int:
        """A count with a mean of at most 500, by inversion."""
        return poisson(self, mean)

    def pick(self, sums: NDArray[np.float64], low: int, high: int) -> int:
        """A place from `low` to below `high`, by cumulative weights."""
        return pick(self, sums, low, high)


# What the methods do: `numba_rules` compiles these same functions.


def row_of(row: int) -> int:
    """A row, and not -1, a missing reference, which would mean the last one."""
    if row < 0:
        raise IndexError("a row is below 0: is a reference missing?")
    return row


def left(held: Any, row: int) -> int:
    """`Held.left`."""
    return int(held.amount[row_of(row)])


def take(held: Any, row: int, quantity: int) -> bool:
    """`Held.take`."""
    if quantity < 0 or held.amount[row_of(row)] < quantity:
        return False
    held.amount[row] -= quantity
    held.moved[1] += quantity
    return True


def arrive(held: Any, row: int, quantity: int) -> None:
    """`Held.arrive`."""
    if quantity > 0:
        held.amount[row_of(row)] += quantity
        held.moved[0] += quantity


def give(held: Any, row: int, other: Any, to: int, quantity: int) -> bool:
    """`Held.give`."""
    if held.moved[2] != other.moved[2]:
        if not take(held, row, quantity):
            return False
        arrive(other, to, quantity)
        return True
    if quantity < 0 or held.amount[row_of(row)] < quantity:
        return False
    held.amount[row] -= quantity
    held.amount[row_of(to)] += quantity
    return True


def begin(draws: Any, key: int) -> None:
    """Let the draws of a rule in a step start from its key."""
    draws.state[2] = key
    for count in range(KEYS):
        draws.keys[count] = mixed(key)
        key += GOLDEN


def uniform(draws: Any) -> float:
    """`Draws.uniform`."""
    state = draws.state
    count = state[1]
    state[1] = count + 1
    key = draws.keys[count] if count < KEYS else mixed(state[2] + count * GOLDEN)
    return float(mixed(state[0] + key) >> 11) * 2.0**-53


def whole(draws: Any, low: int, high: int) -> int:
    """`Draws.whole`."""
    return low + int(uniform(draws) * (high - low + 1))


def poisson(draws: Any, mean: float) -> int:
    """`Draws.poisson`."""
    left, count, p = uniform(draws), 0, math.exp(-mean)
    left -= p
    while left >= 0 and p > 1e-18:
        count += 1
        p *= mean / count
        left -= p
    return count


def pick(draws: Any, sums: NDArray[np.float64], low: int, high: int) -> int:
    """`Draws.pick`."""
    if not 0 <= low < high <= len(sums):
        raise IndexError(
            "there is nothing to pick from: `low` … `high` is empty or beyond the sums"
        )
    before = sums[low - 1] if low > 0 else 0.0
    wanted = before + uniform(draws) * (sums[high - 1] - before)
    size = high - low
    while size > NEAR:
        half = size // 2
        low += half * (sums[low + half - 1] <= wanted)
        size -= half
    return low + at_most(sums, low, low + size - 1, wanted)  # no processor can predict a search


def at_most(sums: NDArray[np.float64], low: int, high: int, wanted: float) -> int:
    """How many of some sums are at most a number."""
    count = 0
    for place in range(np.uint64(low), np.uint64(high)):  # numba seeks no place below 0 then
        count += sums[place] <= wanted
    return count


METHODS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Held": (left, take, arrive, give),
    "Draws": (uniform, whole, poisson, pick),
}
"""What `Held` and `Draws` can do."""


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
        for (name, column), value in zip(self._columns.items(), values, strict=True):
            _check_whole(name, column.dtype, value)
            if used < len(column):
                column[used] = value
        return used + int(self.count[1])


class PlainDriver:
    """Calls a rule for one agent after the other."""

    held, draws, table = Held, Draws, Table

    def __init__(self, step: Callable[..., Any], awake: Callable[..., Any] | None) -> None:
        self._step, self._awake = step, awake

    @staticmethod
    def states(name: str, values: NDArray[Any]) -> NDArray[Any]:
        """A column that rules write."""
        seen = values.view(States)
        seen.name = name
        return seen

    def called(self, work: Callable[[], None], limit: float, *_: Any) -> None:
        """Do the work of a step: nothing else may draw, and it must end."""
        with no_other_chance(), bounded(limit):
            work()

    def order(
        self, population: Population, seen: Any, draw: Draws, keys: tuple[int, int]
    ) -> NDArray[np.int64]:
        """The rows of the agents that act, in the order in which they come.

        Args:
            population: The agents.
            seen: What they see.
            draw: Their draws.
            keys: What the draws of `awake` start from, and those of the order.
        """
        rows = np.arange(len(population))
        if self._awake is not None:
            acts = np.zeros(len(population), dtype=bool)
            begin(draw, keys[0])
            for row, agent in enumerate(_records(population)):
                draw.state[:2] = int(agent.identity), 0
                acts[row] = self._awake(agent, seen, draw)
            rows = rows[acts]
        ranks = mix(population.identity[rows] + np.uint64(keys[1])) >> KEY_BITS
        return rows[np.argsort(ranks, kind="stable")]

    def run(self, population: Population, place: int, *loop: Any) -> int:
        """Let agents act until all did, or a table is nearly full; how many did.

        Args:
            population: The agents.
            place: How many did already.
            loop: The rows in their order, what rules see, their draws, what these start from, the
                tables that rules add to, and the counts of those.
        """
        order, seen, draw, key, out, counts = loop
        records = _records(population)
        begin(draw, key)
        while place < len(order) and (counts[:, 0] <= counts[:, 2]).all():
            agent = records[order[place]]
            draw.state[:2] = int(agent.identity), 0
            self._step(agent, seen, draw, out)
            place += 1
        return place


def _records(population: Population) -> NDArray[Any]:
    """The agents as records: their numbers, and `row`, by name."""
    return population.packed.view(np.dtype((Agent, population.packed.dtype)))
