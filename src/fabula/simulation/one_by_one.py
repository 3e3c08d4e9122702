"""Rules of one agent: agents act whole, one after the other, in an order that each step draws.

A rule sees its agent as a record, populations as arrays, and adds rows to events:

    def shop(me, world, draw, out):
        if draw.uniform() < me.rate and world.products.stock.take(draw.whole(0, 9), 1):
            out.sales.add(me.row, world.products.price[0])

With numba it is compiled; without, the same function runs as plain Python, to the same bytes.
"""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fabula.simulation.clock import Now
from fabula.simulation.columns import when
from fabula.simulation.draws import rule_key
from fabula.simulation.events import EventTable
from fabula.simulation.faults import ModelFault, declaration_error
from fabula.simulation.plain_rules import KEY_BITS, Acting, PlainDriver, tuple_of
from fabula.simulation.populations import Population

RESERVE = 1024
"""Rows that one agent may add to a table in one step."""
FIRST_CAPACITY = 1 << 16
SLOW = (
    "the rule `{}` runs as plain Python, 20 to 50 times slower: pip install 'fabula[learned]'"
    " compiles it"
)
_KINDS: dict[Any, Any] = {float: np.float64, dt.datetime: np.float64, bool: np.bool_}


class Worldly(Protocol):
    """What the rule of one agent sees of its world."""

    step: int
    run_seed: int
    limit: float
    populations: dict[str, Population]
    events: dict[str, EventTable]

    def ranks(self, identity: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """When each agent comes."""


@dataclass
class OneByOne:
    """How the rule of one agent is called.

    Attributes:
        step: The rule.
        awake: Tells of each agent, in any order, whether it acts; by default all do.
        prepare: Gives arrays by name that the rule sees as `world.given`.
        compiled: Whether numba compiles it, if it is there.
    """

    step: Callable[..., Any]
    awake: Callable[..., Any] | None
    prepare: Callable[[], Mapping[str, NDArray[Any]]] | None
    compiled: bool
    _driver: Any = field(default=None, repr=False)

    def act(self, world: Worldly, name: str, population: Population, now: Now) -> None:
        """Let every agent of a population act once.

        Raises:
            ModelFault: The rule can't be compiled, or adds what is not possible.
        """
        given = dict(self.prepare()) if self.prepare else {}
        driver = self._made_driver(world.limit)
        moved: dict[str, NDArray[np.int64]] = {}
        seen = _seen(world, now, given, moved, driver.held)
        key, awake_key = (rule_key(world.run_seed, each, now.step) for each in (name, f"{name}?"))
        draw = driver.draws(np.zeros(3, dtype=np.uint64))
        rows = driver.acting(population, seen, draw, awake_key)
        ranks = world.ranks(population.identity if rows is None else population.identity[rows])
        order = driver.sorted(ranks >> KEY_BITS, np.arange(len(ranks)) if rows is None else rows)
        tables = {each: event for each, event in world.events.items() if str not in _kinds(event)}
        place, capacity = 0, FIRST_CAPACITY
        draw.state[0] = key
        while True:
            counts = np.zeros((len(tables), 2), dtype=np.int64)
            buffers = {
                each: _buffers(event, counts[row], capacity)
                for row, (each, event) in enumerate(tables.items())
            }
            out = tuple_of("Out", tables)(*[driver.table(*each) for each in buffers.values()])
            loop = (order, seen, draw, out, counts, capacity - RESERVE)
            place = driver.run(Acting(population, loop), place)
            _keep(tables, buffers, counts, capacity)
            if place == len(order):
                break
            capacity *= 2
        for each, sums in moved.items():
            owner, _, column = each.partition("\n")
            account = world.populations[owner].accounts[column]
            account.arrived += int(sums[0])
            account.taken += int(sums[1])

    def _made_driver(self, limit: float) -> Any:
        if self._driver is None:
            self._driver = PlainDriver(self.step, self.awake, limit)
            if self.compiled:
                try:
                    from fabula.simulation.numba_rules import NumbaDriver
                except ImportError:
                    warnings.warn(SLOW.format(self.step.__name__), stacklevel=2)
                else:
                    self._driver = NumbaDriver(self.step, self.awake, limit)
        return self._driver


def check_writes(function: Callable[..., Any], population: Population) -> None:
    """Make sure, from its text, that a rule writes no column of its agent that does not change.

    Raises:
        SpecError: It writes one; the error has its line.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):
        return  # no text is at hand: what is conserved is found by its account
    me = next(iter(inspect.signature(function).parameters), "")
    for node in (each for each in ast.walk(tree) if isinstance(each, ast.stmt)):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if not (isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)):
                continue
            role = population.roles.get(target.attr)
            if target.value.id != me or (role is not None and role.changes):
                continue
            conserved = role is not None and role.conserved
            raise declaration_error(
                f"`{population.table_name}.{target.attr}` "
                + ("is conserved, and can't be written" if conserved else "does not change"),
                f"rule {function.__name__}",
                f"use `world.{population.table_name}.{target.attr}.take(me.row, …)`"
                if conserved
                else f"declare it as `{target.attr}=state(…)`",
                at=(function.__code__.co_filename, first + node.lineno - 1),
            )


def _seen(
    world: Worldly,
    now: Now,
    given: Mapping[str, NDArray[Any]],
    moved: dict[str, NDArray[np.int64]],
    held: Callable[..., Any],
) -> Any:
    """What a rule sees of its world: populations as arrays, the time, what was prepared."""
    populations: dict[str, Any] = {}
    for name, population in world.populations.items():
        columns: dict[str, Any] = {}
        for column, values in population.columns.items():
            if values.dtype.kind not in "iufb":
                continue
            role = population.roles[column]
            if role.conserved:
                sums = np.array([0, 0, len(moved)])  # the last one distinguishes columns
                moved[f"{name}\n{column}"] = sums
                columns[column] = held(values, sums)
                continue
            view = values.view()
            view.flags.writeable = role.changes
            columns[column] = view
        populations[name] = tuple_of(name, columns)(**columns)
    facts = {"step": now.step, "weekday": now.weekday, "hour": now.hour}
    if taken := populations.keys() & {*facts, "given"}:
        raise ModelFault(f"a rule of one agent can't see the population `{min(taken)}`")
    if given:
        populations["given"] = tuple_of("given", given)(**given)
    return tuple_of("World", [*populations, *facts])(**populations, **facts)


def _kinds(event: EventTable) -> list[Any]:
    return [*event.columns.values()]


def _buffers(
    event: EventTable, count: NDArray[np.int64], capacity: int
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Room for rows of an event table, and what counts them: rows here, rows before."""
    count[:] = 0, event.count
    kinds = {name: kind for name, kind in event.columns.items() if kind is not when}
    return count, {
        name: np.empty(capacity, dtype=_KINDS.get(kind, np.int64)) for name, kind in kinds.items()
    }


def _keep(
    tables: Mapping[str, EventTable],
    buffers: Mapping[str, tuple[NDArray[np.int64], Mapping[str, NDArray[Any]]]],
    counts: NDArray[np.int64],
    capacity: int,
) -> None:
    """Hand rows over to their tables, which check them."""
    if counts.size and int(counts[:, 0].max()) > capacity:
        raise ModelFault(f"an agent adds more than {RESERVE:,} rows to a table in one step")
    for name, event in tables.items():
        used = int(buffers[name][0][0])
        if used:
            event.add(**{column: rows[:used].copy() for column, rows in buffers[name][1].items()})
