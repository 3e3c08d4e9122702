"""What the rule of one agent names, by its text: columns and tables that are not there.

Compiled code can't say what it lacks, so names are looked up before the first step.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from fabula.errors import did_you_mean
from fabula.simulation.columns import when
from fabula.simulation.events import EventTable
from fabula.simulation.faults import declaration_error
from fabula.simulation.populations import Population

FACTS = ("step", "weekday", "hour", "given")
"""What a rule sees of its world next to the populations."""
Fault = tuple[str, str | None]
"""A message, and what to do about it."""


def takes_numbers(event: EventTable) -> bool:
    """Whether a rule of one agent can add rows to a table: texts are not for compiled code."""
    kinds = {kind for kind in event.columns.values() if kind is not when}
    return bool(kinds) and str not in kinds


def check_text(
    function: Callable[..., Any],
    population: Population,
    populations: Mapping[str, Population],
    events: Mapping[str, EventTable],
) -> None:
    """Make sure that a rule uses what is there, and writes what changes.

    Args:
        function: The rule, or what tells whether an agent acts.
        population: Whose agents act, at the start of a run.
        populations: All populations.
        events: All event tables.

    Raises:
        SpecError: It does not; the error has its line.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        nodes = [node for part in getattr(tree.body[0], "body", ()) for node in ast.walk(part)]
    except (OSError, SyntaxError):
        return  # no text is at hand: what is conserved is found by its account
    me, world, _, *rest = inspect.signature(function).parameters
    set_again = {node.id for node in nodes if isinstance(node, ast.Name) and _is_set(node)}
    calls = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    for node in (each for each in nodes if isinstance(each, ast.Attribute)):
        root, *names = _chain(node)
        faults: Iterator[Fault] = iter(())
        if root in set_again:
            continue
        if root == me and len(names) == 1:
            faults = _of_agent(names[0], population, written=_is_set(node))
        elif root == world and names:
            faults = _of_world(names, populations)
        elif root in rest and names:
            faults = _of_events(names, calls.get(id(node)), events)
        for message, hint in faults:
            line = first + node.lineno - 1
            where, file = f"rule {function.__name__}", function.__code__.co_filename
            raise declaration_error(message, where, hint, at=(file, line))


def _chain(node: ast.expr) -> list[str]:
    """The names of `out.orders.add`, from the first on; an empty one for anything else."""
    if isinstance(node, ast.Attribute):
        return [*_chain(node.value), node.attr]
    return [node.id if isinstance(node, ast.Name) else ""]


def _is_set(node: ast.Name | ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store)


def _of_agent(name: str, population: Population, *, written: bool) -> Iterator[Fault]:
    """What is wrong with `me.name`."""
    table, role = population.table_name, population.roles.get(name)
    if written and role is not None and role.conserved:
        yield (
            f"`{table}.{name}` is conserved, and can't be written",
            f"use `world.{table}.{name}.take(me.row, …)`",
        )
    if written and not (role is not None and role.changes):
        yield f"`{table}.{name}` does not change", f"declare it as `{name}=state(…)`"
    if name not in (population.packed.dtype.names or ()):
        yield _unknown(table, name, population.columns)


def _of_world(names: list[str], populations: Mapping[str, Population]) -> Iterator[Fault]:
    """What is wrong with `world.name` and `world.name.column`."""
    if names[0] not in populations:
        if names[0] not in FACTS:
            known = [*populations, *FACTS]
            yield f"a rule sees no `world.{names[0]}`", _near(names[0], known)
    elif len(names) == 2:
        columns = populations[names[0]].columns
        if names[1] not in columns or columns[names[1]].dtype.kind not in "iufb":
            yield _unknown(names[0], names[1], columns)


def _of_events(
    names: list[str], call: ast.Call | None, events: Mapping[str, EventTable]
) -> Iterator[Fault]:
    """What is wrong with `out.name` and `out.name.add(…)`."""
    name, *method = names
    if name not in events:
        yield f"there is no event `{name}`", _near(name, events)
    elif call is not None and method == ["add"]:
        takes = [column for column, kind in events[name].columns.items() if kind is not when]
        is_open = any(isinstance(each, ast.Starred) for each in call.args)
        if call.keywords or not (is_open or len(call.args) == len(takes)):
            yield f"a row of `{name}` has {len(takes)} values", f"give {', '.join(takes)}"
    elif not takes_numbers(events[name]):
        yield (
            f"rules of one agent can't add to `{name}`: it has texts, or times of steps alone",
            "write a number for each text, or add its rows in a rule of arrays, `@world.every`",
        )


def _unknown(table: str, name: str, columns: Collection[str]) -> Fault:
    if name in columns:
        return (
            f"`{table}.{name}` has texts or times, and rules of one agent see numbers alone",
            "give the column numbers, or make the rule one of arrays: `@world.every`",
        )
    return f"`{table}` has no column `{name}`", _near(name, columns)


def _near(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f"there are {', '.join(known)}"
