"""Runs a world, step by step: what is due arrives, rules act, laws are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.errors import CheckError, SpecError, Violation
from fabula.simulation.clock import Now
from fabula.simulation.draws import Draw, rule_key
from fabula.simulation.faults import ModelFault, located, place_of
from fabula.simulation.moves import Arrival
from fabula.simulation.populations import Population
from fabula.simulation.rule_texts import check_text
from fabula.simulation.shared_chance import no_other_chance
from fabula.simulation.watch import bounded
from fabula.simulation.world import Rule, World


class Run:
    """One run of a world, from its first step on or from a kept state.

    Args:
        world: The world.
        tables: The rows of its populations.
        seed: Where its chance starts.
    """

    def __init__(self, world: World, tables: Mapping[str, pa.Table], seed: int) -> None:
        self.world = world
        world.step, world.acting, world.run_seed, world.scheduled = 0, "", seed, []
        for name, population in world.populations.items():
            population.take_rows(tables[name])
        for population in world.populations.values():
            population.begin(world.populations)
        for rule in world.rules.values():
            if rule.one is not None and rule.population is not None:
                for function in filter(None, (rule.one.step, rule.one.awake)):
                    check_text(function, rule.population, world.populations, world.events)
        pa.default_memory_pool().release_unused()  # what making the populations took
        for event in world.events.values():
            event.begin()
        for decision in world.decisions.values():
            decision.begin()

    def step(self) -> None:
        """Make one step; events keep the rows that it adds until they are drained.

        Raises:
            SpecError: A rule fails; the error has its file and line.
            CheckError: A law is broken.
        """
        world = self.world
        now = Now(world.step, world.clock.at(world.step))
        due = [arrival for arrival in world.scheduled if arrival.step <= world.step]
        world.scheduled = [arrival for arrival in world.scheduled if arrival.step > world.step]
        for arrival in due:
            world.settle(arrival)
        for rule in world.rules.values():
            if world.step % rule.every == 0:
                self._act(rule, now)
                self._check_conserved(rule, now)
        for name, law in world.laws.items():
            self._check_law(name, law, now)
        world.step += 1

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as plain values and arrays."""
        world = self.world
        return {
            "step": world.step,
            "columns": {
                name: {key: population.columns[key] for key in _changing(population)}
                for name, population in world.populations.items()
            },
            "accounts": {
                name: {key: vars(account) for key, account in population.accounts.items()}
                for name, population in world.populations.items()
            },
            "events": {
                name: {"count": event.count, "sums": event.sums}
                for name, event in world.events.items()
            },
            "decisions": {name: each.state() for name, each in world.decisions.items()},
            "scheduled": [arrival.to_state() for arrival in world.scheduled],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a kept state."""
        world = self.world
        world.step = state["step"]
        for name, population in world.populations.items():
            for key, values in state["columns"][name].items():
                population.columns[key][:] = values
            for key, account in state["accounts"][name].items():
                vars(population.accounts[key]).update(account)
        for name, event in world.events.items():
            event.count = state["events"][name]["count"]
            event.sums = dict(state["events"][name]["sums"])
        for name, decision in world.decisions.items():
            decision.restore(state["decisions"][name])
        world.scheduled = [Arrival(**arrival) for arrival in state["scheduled"]]

    def _act(self, rule: Rule, now: Now) -> None:
        """Call a rule."""
        self.world.acting = rule.name
        try:
            self._call(rule, now)
        finally:
            self.world.acting = ""

    def _call(self, rule: Rule, now: Now) -> None:
        world = self.world
        draw = Draw(rule_key(world.run_seed, rule.name, world.step))
        taken = {"now": now, "draw": draw}
        agents = [] if rule.population is None else [rule.population.all]

        one, population = rule.one, rule.population

        def where() -> str:
            told = "" if one is None or population is None else one.told(population)
            return f"rule {rule.name}, {now}{told}"

        with located(rule.function, where):
            if one is not None and population is not None:
                one.act(world, rule.name, population, now)
                return
            with no_other_chance(), bounded(world.limit):
                made = rule.function(*agents, **{name: taken[name] for name in rule.takes})
            if made is None:
                return
            if rule.population is None or not isinstance(made, Mapping):
                raise ModelFault(
                    f"the rule returns a {type(made).__name__}",
                    "return nothing, or new values by the name of a `state` column",
                )
            for name, values in made.items():
                setattr(agents[0], name, values)

    def _check_conserved(self, rule: Rule, now: Now) -> None:
        """Make sure that every conserved quantity is what its account says."""
        for population in self.world.populations.values():
            for name, account in population.accounts.items():
                values = np.ascontiguousarray(population.columns[name])  # read once, if packed
                row = int(values.argmin()) if len(values) else -1
                if row >= 0 and int(values[row]) < 0:
                    key = population.keys(np.array([row]))[0].as_py()
                    broken = f"{population.table_name} {key} has {int(values[row])} {name}"
                elif int(np.add.reduce(values)) != account.due:
                    broken = (
                        f"the {name} of {population.table_name} add up to {int(values.sum()):,},"
                        f" and not to {account.due:,}"
                    )
                else:
                    continue
                file, line = place_of(rule.function)
                raise CheckError(
                    f"{broken}: the quantity is conserved",
                    code="simulation.law",
                    where=f"rule {rule.name}, {now}",
                    hint="change it by take, pay, transfer, serve, arrive, in whole quantities",
                    file=file,
                    line=line,
                )

    def _check_law(self, name: str, law: Callable[[], Any], now: Now) -> None:
        with located(law, lambda: f"law {name}, {now}"), bounded(self.world.limit):
            found = law()
        pair = isinstance(found, tuple) and len(found) == 2
        holds = found[0] == found[1] if pair else found
        if holds is True:
            return
        where, (file, line) = f"law {name}, {now}", place_of(law)
        if not isinstance(holds, bool | np.bool_):
            message = f"the law returns a {type(found).__name__}"
            hint = "return True or False, or the two values that must be equal"
            raise SpecError([Violation("simulation.rule", message, where, hint, file, line)])
        if not holds:
            shown = f": {found[0]} is not {found[1]}" if pair else ""
            raise CheckError(
                f"the law `{name}` is broken{shown}",
                code="simulation.law",
                where=where,
                hint="check the rules that ran in this step",
                file=file,
                line=line,
            )


def _changing(population: Population) -> list[str]:
    return [name for name, role in population.roles.items() if role.changes or role.conserved]
