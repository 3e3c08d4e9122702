"""Rules of one agent: agents act whole, one after the other, in an order that each step draws.

A rule sees its agent as a record, populations as arrays, and adds rows to events:

    def shop(me, world, draw, out):
        if draw.uniform() < me.rate and world.products.stock.take(draw.whole(0, 9), 1):
            out.sales.add(me.row, world.products.price[0])

With numba it is compiled; without, the same function runs as plain Python, to the same bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fabula.simulation.clock import Now
from fabula.simulation.columns import when
from fabula.simulation.draws import rule_key
from fabula.simulation.events import EventTable
from fabula.simulation.faults import EndlessRule, ModelFault
from fabula.simulation.plain_rules import PlainDriver, tuple_of
from fabula.simulation.populations import Population
from fabula.simulation.rule_texts import FACTS, takes_numbers
from fabula.simulation.shared_chance import no_other_chance

RESERVE = 1024
"""Rows that one agent may add to a table in one step."""
SLOW = "the rule `{}` runs as plain Python, 20 to 50 times slower: {} compiles it"
INSTALL, SWITCH_ON = "pip install 'fabula[learned]'", "unset NUMBA_DISABLE_JIT"


_FAULTS = (ArithmeticError, LookupError, ValueError)
"""What a rule raises by its numbers."""


class Worldly(Protocol):
    """What the rule of one agent sees of its world."""

    step: int
    run_seed: int
    limit: float
    populations: dict[str, Population]
    events: dict[str, EventTable]


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
    _seen: Seen | None = field(default=None, repr=False)
    _acting: Any = field(default=(0,), repr=False)

    def act(self, world: Worldly, name: str, population: Population, now: Now) -> None:
        """Let every agent of a population act once.

        Raises:
            ModelFault: The rule can't be compiled, or adds what is not possible.
        """
        with no_other_chance():
            given = dict(self.prepare()) if self.prepare else {}
        driver = self._made_driver()
        if self._seen is None or self._seen.packed is not population.packed:
            self._seen = Seen(world, population.packed, driver)
        seen, draw = self._seen.at(now, given), driver.draws()
        self._acting = draw.state
        names = name, f"{name}?", f"{name}\narrival"
        key, *keys = (rule_key(world.run_seed, each, now.step) for each in names)
        tables = _Tables(world, driver.table)

        def work() -> None:
            order, place = driver.order(population, seen, draw, keys), 0
            while place < len(order):
                place = driver.run(population, place, order, seen, draw, key, *tables.open())
                draw.state[0] = 0  # what is wrong with the rows may be any agent's
                tables.keep()

        try:
            driver.called(work, world.limit, population, seen, draw, tables)
        except _FAULTS as error:
            if isinstance(driver, PlainDriver):
                raise
            found = self._again(world, population, now, given, key)
            raise error.with_traceback(found or error.__traceback__) from None
        self._seen.book(world.populations)

    def _again(
        self,
        world: Worldly,
        population: Population,
        now: Now,
        given: Mapping[str, NDArray[Any]],
        key: int,
    ) -> TracebackType | None:
        """Where in the rule an agent fails: compiled code can't say, and plain Python can."""
        driver = PlainDriver(self.step, self.awake)
        seen, draw = Seen(world, population.packed, driver).at(now, given), driver.draws()
        tables, rows = _Tables(world, driver.table), self._rows(population)

        def work() -> None:
            driver.run(population, 0, rows, seen, draw, key, *tables.open())

        try:
            driver.called(work, world.limit)
        except _FAULTS as error:
            return error.__traceback__
        except (EndlessRule, ModelFault):
            pass
        return None

    def _rows(self, population: Population) -> NDArray[np.int64]:
        """The row of the agent that is acting, if one is."""
        return np.flatnonzero(population.identity == np.uint64(self._acting[0]))

    def told(self, population: Population) -> str:
        """The agent that is acting, for messages; empty if none is."""
        rows = self._rows(population)
        if len(rows) != 1:
            return ""
        return f", {population.table_name} {population.keys(rows)[0].as_py()}"

    def _made_driver(self) -> Any:
        if self._driver is None:
            self._driver = PlainDriver(self.step, self.awake)
            if self.compiled:
                try:
                    from fabula.simulation.numba_rules import NumbaDriver, is_off
                except ImportError:
                    warnings.warn(SLOW.format(self.step.__name__, INSTALL), stacklevel=2)
                else:
                    if is_off():
                        warnings.warn(SLOW.format(self.step.__name__, SWITCH_ON), stacklevel=2)
                        return self._driver
                    self._driver = NumbaDriver(self.step, self.awake)
        return self._driver


class Seen:
    """What a rule sees of its world: populations as arrays, the time, what was prepared.

    Args:
        world: The world, at the start of a run.
        packed: The records of the agents that act; another run has others.
        driver: Makes what conserved columns and states look like.
    """

    def __init__(self, world: Worldly, packed: NDArray[Any], driver: Any) -> None:
        self.packed = packed
        self._moved: dict[tuple[str, str], NDArray[np.int64]] = {}
        self._populations: dict[str, Any] = {}
        for name, population in world.populations.items():
            columns: dict[str, Any] = {}
            for column, values in population.columns.items():
                if values.dtype.kind not in "iufb":
                    continue
                role = population.roles[column]
                if role.conserved:
                    sums = np.array([0, 0, len(self._moved)])  # the last one tells columns apart
                    self._moved[name, column] = sums
                    columns[column] = driver.held(values, sums)
                elif role.changes:
                    columns[column] = driver.states(column, values)
                else:
                    columns[column] = values.view()
                    columns[column].flags.writeable = False
            self._populations[name] = tuple_of(name, columns)(**columns)

    def at(self, now: Now, given: Mapping[str, NDArray[Any]]) -> Any:
        """The world in a step."""
        facts = {"step": now.step, "weekday": now.weekday, "hour": now.hour}
        if taken := self._populations.keys() & {*FACTS}:
            raise ModelFault(f"a rule of one agent can't see the population `{min(taken)}`")
        seen = dict(self._populations)
        if given:
            seen["given"] = tuple_of("given", given)(**given)
        return tuple_of("World", [*seen, *facts])(**seen, **facts)

    def book(self, populations: Mapping[str, Population]) -> None:
        """Enter what moved in the step into the accounts."""
        for (name, column), sums in self._moved.items():
            account = populations[name].accounts[column]
            account.arrived += int(sums[0])
            account.taken += int(sums[1])
            sums[:2] = 0


class _Tables:
    """The event tables that a rule adds to, a piece of each at a time.

    Args:
        world: The world.
        table: What a rule sees of a table.
    """

    def __init__(self, world: Worldly, table: Callable[..., Any]) -> None:
        self._events = [event for event in world.events.values() if takes_numbers(event)]
        self._out = tuple_of("Out", [event.name for event in self._events])
        self._table = table
        self._counts = np.zeros((len(self._events), 3), dtype=np.int64)

    def open(self) -> tuple[Any, NDArray[np.int64]]:
        """Room for rows, and three counts a table.

        These are the rows in its piece, what a row's place there lacks to its number, and how many
        rows there may be before an agent acts.
        """
        rooms = []
        for event, count in zip(self._events, self._counts, strict=True):
            columns, used = event.room(RESERVE)
            names = [name for name, kind in event.columns.items() if kind is not when]
            given = {name: columns[name] for name in names}
            most = len(given[names[0]])
            count[:] = used, event.count - used, most - RESERVE
            rooms.append(self._table(count, given))
        return self._out(*rooms), self._counts

    def keep(self) -> None:
        """Keep the rows that were added.

        Raises:
            ModelFault: They are too many for one agent, or refer to nothing.
        """
        for event, (used, before, most) in zip(self._events, self._counts.tolist(), strict=True):
            if used > most + RESERVE:
                message = f"an agent adds more than {RESERVE:,} rows to a table in one step"
                raise ModelFault(message)
            if new := used + before - event.count:
                event.check_references(new)
                event.keep(new)
