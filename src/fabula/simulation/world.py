"""A world: what a model declares, and the rules that move it.

::

    shop = World("shop", start="2026-01-01", step="1d", steps=30)
    people = shop.population("shoppers", n=1000, budget=conserved(money(fb.col.uniform(50, 500))))
    visits = shop.event("visits", shopper=people, at=when)

    @shop.every("1d", people)
    def visit(a, now, draw):
        visits.add(shopper=a[draw.chance(a, 0.2)])

A world is declared once, and run by `fb.simulate` or `fabula simulate`.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError, did_you_mean
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import seconds
from fabula.kinds.key import Key
from fabula.simulation.clock import Clock
from fabula.simulation.columns import Role, when
from fabula.simulation.decisions import Decision, Fallback
from fabula.simulation.draws import rule_key
from fabula.simulation.events import EventTable
from fabula.simulation.faults import ModelFault, declaration_error
from fabula.simulation.moves import Arrival
from fabula.simulation.one_by_one import OneByOne
from fabula.simulation.populations import RESERVED, Population
from fabula.spec.models import ModelLike
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.streams import mix

Function = TypeVar("Function", bound=Callable[..., Any])

PARAMETERS: ContextVar[Mapping[str, float]] = ContextVar("PARAMETERS")
"""The parameters that a model is given while its file runs."""
LIMIT = 300.0
"""Seconds that one rule may take in one step."""
_TAKEN = ("now", "draw")


@dataclass(frozen=True)
class Rule:
    """What happens every few steps.

    Attributes:
        name: The function's name; its draws are keyed by it.
        function: The function.
        every: Steps from one call to the next.
        population: Whose view it gets first, if any.
        takes: What it takes by name: `now`, `draw`.
        one: How it is called for one agent after the other, if it is.
    """

    name: str
    function: Callable[..., Any]
    every: int
    population: Population | None
    takes: tuple[str, ...]
    one: OneByOne | None = None


class World:
    """A model of agents.

    Args:
        name: The model's name.
        start: The time of the first step.
        step: The length of a step, `1d`, `1h`, `15m`.
        steps: How many steps a run makes, unless it is told otherwise.
        seed: Where its chance starts, unless it is told otherwise.
        spec: A spec whose tables populations may take: a `DatasetSpec`, as `fb.load` gives it.
        limit: CPU seconds that one rule may take in one step.

    Raises:
        SpecError: The start or the step is not a time; a declaration does not fit.
    """

    def __init__(
        self,
        name: str = "world",
        *,
        start: str = "2026-01-01",
        step: str = "1d",
        steps: int = 30,
        seed: int = 0,
        spec: DatasetSpec | None = None,
        limit: float = LIMIT,
    ) -> None:
        self.name, self.steps, self.seed, self.limit = name, steps, seed, limit
        try:
            self.clock = Clock(dt.datetime.fromisoformat(start), seconds(step))
        except (ValueError, TypeError) as error:
            raise declaration_error(str(error), "World", 'write `step="1d"`') from error
        if self.clock.step <= 0 or steps < 0:
            raise declaration_error("a world has steps of some length", "World")
        self._given = spec
        self.populations: dict[str, Population] = {}
        self.events: dict[str, EventTable] = {}
        self.rules: dict[str, Rule] = {}
        self.laws: dict[str, Callable[[], Any]] = {}
        self.measures: dict[str, Callable[[], Any]] = {}
        self.decisions: dict[str, Decision] = {}
        self.tables: dict[str, TableSpec] = {}
        self.sources: dict[str, Path] = {}
        self.parameters: dict[str, float] = {}
        self.step = 0
        self.acting = ""
        self.run_seed = seed
        self.scheduled: list[Arrival] = []

    def population(
        self,
        name: str,
        /,
        n: int | None = None,
        *,
        source: str | None = None,
        key: str | None = None,
        **columns: AbstractColumn | Role,
    ) -> Population:
        """Declare a population: an ordinary table of a spec, whose columns rules use.

        Args:
            name: The table's name.
            n: Its rows.
            source: A file with its rows. Columns of it that are not fixed are declared as
                `state(None)`, `conserved(None)` or `money(None)`.
            key: The column that identifies a row; by default the spec's key, and a file's `id` or
                first column.
            columns: Its columns, by name: `fb.col` kinds, and what `state`, `conserved` and
                `money` make of them.
        """
        where = f"populations.{name}"
        self._free(name)
        roles = {key: v if isinstance(v, Role) else Role(v) for key, v in columns.items()}
        if bad := [key for key in roles if key in RESERVED or key.startswith("_")]:
            hint = f"populations have that name themselves: call it `{bad[0].strip('_')}_`"
            raise declaration_error(f"a column can't be called `{bad[0]}`", where, hint)
        if wrong := [key for key, v in columns.items() if not isinstance(v, AbstractColumn | Role)]:
            raise declaration_error(
                f"`{wrong[0]}` is not a column", f"{where}.{wrong[0]}", "use `fb.col.…` or `state`"
            )
        if source is not None:
            self.sources[name] = Path(source)
        else:
            self.tables[name] = self._table(name, n, roles)
            roles = {**{k: Role(v) for k, v in self.tables[name].columns.items()}, **roles}
            key = key or next(iter(self.tables[name].key), None)
        self.populations[name] = Population(self, name, key, roles)
        return self.populations[name]

    def parameter(self, name: str, default: float) -> float:
        """A number that whoever runs the model may set: `--set NAME=1.5`.

        It is a plain number from here on, for columns as for rules.
        """
        self.parameters[name] = float(PARAMETERS.get({}).get(name, default))
        return self.parameters[name]

    def event(self, name: str, /, **columns: Any) -> EventTable:
        """Declare a table of events; its key `id` is made for it.

        Args:
            name: The table's name.
            columns: The type of each column by name: a population or an event table that it
                refers to, `when`, `int`, `float`, `bool`, `str`, `datetime` (rules give seconds
                from the world's start), or `money(0)`.
        """
        self._free(name)
        self.events[name] = EventTable(self, name, columns)
        return self.events[name]

    def every(
        self, length: str | int = 1, population: Population | None = None
    ) -> Callable[[Function], Function]:
        """Make a function a rule, which is called every few steps.

        Args:
            length: `"1d"`, or a number of steps.
            population: Whose agents the function gets as its first parameter.

        The function may also take `now` and `draw`. Rules are called in the order of the file.
        """

        def register(function: Function) -> Function:
            name, every = self._named(function, length)
            names = list(inspect.signature(function).parameters)
            takes = tuple(names[1:] if population is not None else names)
            if (population is not None and not names) or set(takes) - set(_TAKEN):
                raise declaration_error(
                    f"`{name}` takes {', '.join(names) or 'nothing'}",
                    f"rule {name}",
                    "a rule takes its agents first, if it has a population, then `now` and `draw`",
                )
            self.rules[name] = Rule(name, function, every, population, takes)
            return function

        return register

    def rule(
        self,
        population: Population,
        length: str | int = 1,
        *,
        awake: Callable[..., bool] | None = None,
        prepare: Callable[[], Mapping[str, NDArray[Any]]] | None = None,
        compiled: bool = False,
    ) -> Callable[[Function], Function]:
        """Make a function the rule of one agent: `step(me, world, draw, out)`.

        Agents act whole, one after the other, in an order that is drawn for every step.

        Args:
            population: Whose agents act.
            length: How often: `"1d"`, or a number of steps.
            awake: A function of `me, world, draw` that tells whether an agent acts; it is asked
                before anyone acts, and changes nothing.
            prepare: Gives arrays of any shape by name, which the rule finds in `world.given`.
            compiled: Compile the rule with numba; without numba it runs as it is, to the same
                bytes.
        """

        def register(function: Function) -> Function:
            name, every = self._named(function, length)
            for each, takes in ((function, 4), *(((awake, 3),) if awake else ())):
                if len(inspect.signature(each).parameters) != takes:
                    raise declaration_error(
                        f"`{each.__name__}` takes {len(inspect.signature(each).parameters)} values",
                        f"rule {name}",
                        "a rule of one agent takes `me, world, draw, out`; `awake` takes three",
                    )
            population.is_packed = True
            one = OneByOne(function, awake, prepare, compiled)
            self.rules[name] = Rule(name, function, every, population, (), one)
            return function

        return register

    def _named(self, function: Callable[..., Any], length: str | int) -> tuple[str, int]:
        """The name of a new rule, and how often it is called."""
        name = function.__name__
        self._check_idle()
        _check_new("rules", name, self.rules)
        try:
            return name, self.clock.steps_in(length)
        except ModelFault as error:
            raise declaration_error(error.message, f"rule {name}", error.hint) from error

    def decision(
        self,
        population: Population,
        options: Sequence[str],
        question: str,
        *,
        name: str = "decision",
        model: ModelLike = "local",
        archetypes: int = 200,
        max_calls: int = 200,
        per_call: int = 10,
        fallback: Fallback | None = None,
    ) -> Decision:
        """Let a language model say how likely agents are to take each of several options.

        A few archetypes are asked about instead of every agent: agents who are alike in the columns
        that the question names. Rules let each agent draw from its archetype's probabilities by
        `decision.choose(a, draw)`, which returns the places of options.

        Args:
            population: Whose agents decide.
            options: What they choose from.
            question: Describes one of them and the situation. `{age}` stands for a column; other
                names stand for what `choose` is given by them.
            name: What messages and the record call it.
            model: The language model.
            archetypes: How many kinds of agents are told apart.
            max_calls: Requests to the model in the whole run; a reply that can't be used is asked
                for again.
            per_call: Archetypes in one request.
            fallback: The weights of the options where the model gives none: shape (options,), or a
                function of the agents that returns that or (agents, options); by default a missing
                answer ends the run.
        """
        _check_new("decisions", name, self.decisions)
        made = Decision(
            name,
            population,
            tuple(options),
            question,
            model,
            archetypes,
            max_calls,
            per_call,
            fallback,
        )
        self.decisions[name] = made
        return made

    def law(self, function: Function) -> Function:
        """Make a function a law: True, or two equal values, after every step."""
        _check_new("laws", function.__name__, self.laws)
        self.laws[function.__name__] = function
        return function

    def measure(self, function: Function) -> Function:
        """Make a function a measure: a number of the whole run, which its totals list by name."""
        _check_new("totals", function.__name__, [*self.measures, *self.events])
        self.measures[function.__name__] = function
        return function

    def schedule(self, arrival: Arrival) -> None:
        """Let a quantity come at its step; what is due now comes at once."""
        if arrival.step > self.step:
            self.scheduled.append(arrival)
        else:
            self.settle(arrival)

    def settle(self, arrival: Arrival) -> None:
        """Bring what is due, and tell its event table."""
        population, quantity = self.populations[arrival.population], arrival.quantity
        population.move(arrival.column, arrival.rows, quantity, unique=False)
        account, moved = population.accounts[arrival.column], int(quantity.sum())
        if arrival.back:
            account.lent -= moved
        else:
            account.arrived += moved
        if arrival.event is not None:
            event = self.events[arrival.event]
            some = quantity > 0
            event.add(
                **{
                    name: population.at(arrival.rows[some])
                    if kind is population
                    else quantity[some]
                    for name, kind in event.columns.items()
                    if kind is not when
                }
            )

    def ranks(self, identity: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """When each agent comes, in this rule and step."""
        key = rule_key(self.run_seed, f"{self.acting}\narrival", self.step)
        return mix(identity + np.uint64(key))

    def spec(self, sizes: Mapping[str, int]) -> DatasetSpec | None:
        """The spec of the populations, with some sizes replaced; None if all are from files.

        Raises:
            UsageError: A size is given for no population.
        """
        if unknown := [name for name in sizes if name not in self.tables]:
            hint = did_you_mean(unknown[0], self.tables) or f"there are {', '.join(self.tables)}"
            message = f"there is no population `{unknown[0]}` to size"
            raise UsageError(message, code="usage.rows", hint=hint)
        tables = {
            name: table.model_copy(update={"n": sizes[name]}) if name in sizes else table
            for name, table in self.tables.items()
        }
        return DatasetSpec(name=self.name, tables=tables) if tables else None

    def _check_idle(self) -> None:
        """Make sure that no rule is running: a run has the tables and rules that it began with."""
        if self.acting:
            raise ModelFault("a world can't be declared further while it runs")

    def _table(self, name: str, n: int | None, roles: Mapping[str, Role]) -> TableSpec:
        drawn = {key: role.drawn for key, role in roles.items() if role.drawn is not None}
        if self._given is not None and name in self._given.tables:
            table = self._given.tables[name]
            columns = {**table.columns, **drawn}
            return table.model_copy(update={"columns": columns, **({} if n is None else {"n": n})})
        if not any(column.kind in ("key", "uuid") for column in drawn.values()):
            drawn = {"id": Key(), **drawn}
        return TableSpec(name, n=n, columns=drawn)

    def _free(self, name: str) -> None:
        self._check_idle()
        if not name:
            raise declaration_error("a table has no name", "World")
        _check_new("tables", name, [*self.populations, *self.events])
        _check_new("totals", name, self.measures)


def _check_new(what: str, name: str, known: Collection[str]) -> None:
    """Make sure that a name is not taken: the later one would replace the first silently."""
    if name in known:
        raise declaration_error(f"two {what} are called `{name}`", name)
