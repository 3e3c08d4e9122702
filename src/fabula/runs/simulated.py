"""Tables of a spec whose rows a model of agents makes.

The model runs while the spec is settled, because its events decide how many rows there are. From
there on they are tables like any others: keys, references to them, checks, formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from fabula.errors import SpecError, UsageError, Violation, did_you_mean
from fabula.kinds.base.code import ModelFile
from fabula.kinds.base.columns import AbstractColumn, AbstractFilled
from fabula.kinds.base.values import CATEGORY
from fabula.kinds.simulation import Simulation, SimulationTable
from fabula.planning.planner import sizes_of
from fabula.runs.dataset import Dataset
from fabula.runs.fingerprint import fingerprint
from fabula.runs.simulation import facts_of, laws_held, simulate, steps_of
from fabula.simulation.events import KEY
from fabula.simulation.model_files import load_world, source_sha256
from fabula.simulation.world import World
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.types import Size

_last: dict[str, Dataset] = {}
"""The runs of the last spec, by what decides their rows: planning and generating share them."""
SETTINGS = ("steps", "days", "parameters")
"""What tables of one run have in common."""


@dataclass
class _Run:
    """One run of a model, and the tables of the spec that are of it."""

    file: Any
    tables: dict[str, TableSpec] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


def with_simulations(
    spec: DatasetSpec, n: Size = None, *, seed: int | None = None, forms_only: bool = False
) -> DatasetSpec:
    """The spec with the rows and columns of its simulated tables.

    Args:
        spec: What is wanted.
        n: Rows by table: those of populations are sizes of the simulation.
        seed: Overrides the spec's seed.
        forms_only: Find out the columns alone, without a step and without agents.

    Raises:
        SpecError: A table or a setting does not fit its model, or the model fails.
        UsageError: `n` sizes a table of events, or a file makes no world.
    """
    given = sizes_of(spec, n)
    problems: list[Violation] = []
    settled: dict[str, TableSpec] = {}
    made: dict[str, Dataset] = {}
    for run in _runs(spec, problems):
        try:
            world = load_world(run.file, run.settings.get("parameters"))
            count = steps_of(world, run.settings.get("steps"), run.settings.get("days"))
        except UsageError as error:
            where = f"tables.{next(iter(run.tables))}"
            problems.append(Violation(error.code, error.message, error.where or where, error.hint))
            continue
        problems += _sized(run, world, given)
        if problems:
            continue
        if forms_only:
            count, run.sizes = 0, dict.fromkeys(world.tables, 0)
        dataset = _simulated(run, world, count, spec.seed if seed is None else seed, made)
        settled |= _made(run, world, dataset)
    if not forms_only:
        _last.clear()
        _last.update(made)
    if problems:
        raise SpecError(spec.source.located(problems))
    return spec.model_copy(update={"tables": {**spec.tables, **settled}})


def _simulated(run: _Run, world: World, steps: int, seed: int, made: dict[str, Dataset]) -> Dataset:
    """A run, and its entry among those made; a file that has not changed is not run again."""
    if not isinstance(run.file, ModelFile):  # the rules of a `World` may see variables that change
        return simulate(world, run.sizes, steps=steps, seed=seed)
    facts = facts_of(world, world.spec(run.sizes), steps, seed)
    key = fingerprint({**facts, "file": [run.file.place, run.file.path, run.file.sha256]})
    made[key] = _last.get(key) or simulate(world, run.sizes, steps=steps, seed=seed)
    return made[key]


def _runs(spec: DatasetSpec, problems: list[Violation]) -> list[_Run]:
    """The runs of a spec; settings of one run that contradict each other are noted."""
    runs: dict[tuple[Any, str | None], _Run] = {}
    for name, table in spec.tables.items():
        asked = table.simulation
        if asked is None:
            continue
        file = asked.file if isinstance(asked.file, ModelFile) else id(asked.file)
        run = runs.setdefault((file, asked.run), _Run(asked.file))
        for setting in SETTINGS:
            value = getattr(asked, setting)
            if value is None or value == {}:
                continue
            if run.settings.setdefault(setting, value) != value:
                message = (
                    f"`{setting}` of `{name}` is {value}, and another table of the same run says"
                    f" {run.settings[setting]}"
                )
                hint = f"use the same value, or write `run: {name}` to run the model twice"
                place = f"tables.{name}.{setting}"
                problems.append(Violation("spec.bad-simulation", message, place, hint))
        run.tables[name] = table
    return [*runs.values()]


def _sized(run: _Run, world: World, given: Mapping[str, int]) -> Iterator[Violation]:
    """Note the sizes of populations; tables that the model does not have are problems."""
    made = {**world.populations, **world.events}
    for name, table in run.tables.items():
        target, where = _simulation(table).table or name, f"tables.{name}"
        n = given.get(name, table.n)
        if target not in made:
            hint = did_you_mean(target, made) or f"write `table:` and one of {', '.join(made)}"
            message = f"the model has no table `{target}`"
            yield Violation("spec.unknown-table", message, where, hint)
        elif n is None:
            continue
        elif target not in world.tables:
            message = f"the rows of `{name}` follow from the simulation"
            hint = f"size a population: {', '.join(world.tables) or 'all are from files'}"
            if name in given:
                raise UsageError(message, code="usage.derived-size", where=where, hint=hint)
            yield Violation("spec.bad-simulation", message, f"{where}.n", f"leave it out; {hint}")
        elif run.sizes.setdefault(target, n) != n:
            message = f"two tables size `{target}` of one run: {run.sizes[target]} and {n}"
            yield Violation("spec.bad-simulation", message, f"{where}.n", "say it once")
    for name in world.decisions:
        message = f"a language model makes the decision `{name}`, outside this run's budget"
        hint = "run `fabula simulate`, and use its tables as files"
        place = f"tables.{next(iter(run.tables))}"
        yield Violation("spec.bad-simulation", message, place, hint)
    for name, population in world.tables.items():
        for column, form in population.columns.items():
            if isinstance(form, AbstractFilled):
                message = f"a language model fills `{name}.{column}`, outside this run's budget"
                hint = "run `fabula simulate`, and use its tables as files"
                where = f"tables.{next(iter(run.tables))}"
                yield Violation("spec.bad-simulation", message, where, hint)


def _made(run: _Run, world: World, dataset: Dataset) -> Iterator[tuple[str, TableSpec]]:
    """The tables of a run with their rows."""
    held = laws_held(dataset.manifest["simulation"])
    facts = {**run.settings, "sha256": source_sha256(world), "held": held}
    for name, table in run.tables.items():
        asked = _simulation(table)
        target = asked.table or name
        rows = dataset.to_arrow(target)
        key = world.populations[target].key_column if target in world.populations else KEY
        columns = _columns(table, rows, key)
        own_key = key if key in columns else None
        changes = {
            "simulation": asked.with_rows(rows, facts),
            "columns": columns,
            "n": rows.num_rows,
            "primary_key": table.primary_key or ((own_key,) if own_key else ()),
        }
        yield name, table.model_copy(update=changes)


def _columns(table: TableSpec, rows: pa.Table, key: str) -> dict[str, AbstractColumn]:
    """The model's columns, and the table's own after them or in their place."""
    own = dict(table.columns)
    renamed = {c.column for c in own.values() if isinstance(c, Simulation) and c.column}
    wanted = {
        name: own.pop(name, Simulation()) for name in rows.column_names if name not in renamed
    }
    problems = []
    found: dict[str, AbstractColumn] = {}
    for name, column in {**wanted, **own}.items():
        found[name] = column
        if isinstance(column, Simulation):
            source = column.column or name
            if source not in rows.column_names:
                hint = did_you_mean(source, rows.column_names)
                hint = hint or f"it has {', '.join(rows.column_names)}"
                message = f"the model's table has no column `{source}`"
                where = f"tables.{table.name}.columns.{name}"
                problems.append(Violation("spec.unknown-column", message, where, hint))
                continue
            kind = _type(rows.schema.field(source).type)
            found[name] = column.model_copy(update={"type": kind, "unique": source == key})
    if problems:
        raise SpecError(problems)
    return found


def _type(kind: pa.DataType) -> str:
    return CATEGORY if pa.types.is_dictionary(kind) else str(kind)


def _simulation(table: TableSpec) -> SimulationTable:
    assert table.simulation is not None
    return table.simulation
