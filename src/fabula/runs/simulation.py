"""Runs a world of agents: its populations, its steps, and the files of its tables.

Events go to files while the world runs. A killed run continues from the last step that it kept,
to the same bytes: the files are cut by their rows alone, never by time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from fabula.engines.made import MadeBlock
from fabula.errors import RunInterrupted, SpecError, UsageError
from fabula.io.arrays import empty_table
from fabula.io.formats import as_format
from fabula.io.formulas import is_asked
from fabula.io.names import output_path
from fabula.io.places import check_free
from fabula.io.tables import as_table
from fabula.llm.session import models_of_run
from fabula.planning.planner import make_plan
from fabula.render import amounts, grid
from fabula.render.cells import watched
from fabula.runs.belongings import STATE
from fabula.runs.checkpoints import read_checkpoint, write_checkpoint
from fabula.runs.dataset import Dataset
from fabula.runs.execute import execute
from fabula.runs.fingerprint import fingerprint, public_spec, spec_sha256, versions
from fabula.runs.folder import RunFolder
from fabula.runs.manifest import stopwatch, table_record, tell_formulas
from fabula.runs.parts import PART_BLOCKS, Layout, PartRecord
from fabula.runs.stores import MemoryStore
from fabula.simulation.decisions import Told
from fabula.simulation.faults import placed
from fabula.simulation.history import History
from fabula.simulation.model_files import file_sha256, load_world, source_sha256
from fabula.simulation.populations import Population
from fabula.simulation.running import Run
from fabula.simulation.totals import key_facts, totals
from fabula.simulation.world import World
from fabula.spec.tables import DatasetSpec
from fabula.streams import BLOCK_ROWS
from fabula.types import Path, Progress, ProgressLike, Size

PART_ROWS = 4 * BLOCK_ROWS
"""Rows of events that wait for a part of their own file."""
DAY = 86_400
KEPT_EVERY = 2.0
"""Seconds from one kept step to the next."""


def simulate(
    model: World | Path,
    n: Size = None,
    *,
    steps: int | None = None,
    days: float | None = None,
    seed: int | None = None,
    parameters: Mapping[str, float] | None = None,
    output: Path | None = None,
    format: str | None = None,  # noqa: A002  (the word that users know)
    fresh: bool = False,
    overwrite: bool = False,
    escape_formulas: bool | None = None,
    progress: ProgressLike = None,
) -> Dataset:
    """Run a world of agents, and return its populations and events as tables.

    Args:
        model: A `World`, or the Python file that makes one: `shop.py`, `shop.py:shop`.
        n: Agents, for the only population or by population; overrides the model.
        steps: Steps to make; overrides the model.
        days: Days to simulate, instead of steps.
        seed: Overrides the model's seed.
        parameters: Numbers that the model asks for by `World.parameter`; for a file.
        output: A folder to write to; without one the tables stay in memory.
        format: `parquet`, `csv`, `jsonl` or `arrow`.
        fresh: Start over instead of continuing an earlier run.
        overwrite: Replace another run in the folder.
        escape_formulas: Put `'` before texts in CSV that a spreadsheet would run.
        progress: Called with the world's name, finished steps and requested steps.

    Returns:
        A table for each population, whose `NAME_end` columns say how it ended, and one for each
        event.

    Raises:
        SpecError: The model or a rule is wrong; the error has the file and the line.
        CheckError: A law is broken.
        RunInterrupted: The user stopped the run; the same call continues.
    """
    world = load_world(model, parameters)
    chance, count = world.seed if seed is None else seed, steps_of(world, steps, days)
    spec = world.spec(sizes_by_population(world, n))
    main, escape = as_format(format or "parquet"), is_asked(escape_formulas)
    store: RunFolder | MemoryStore = MemoryStore()
    facts = facts_of(world, spec, count, chance)
    facts |= {"format": main, **({"escape_formulas": True} if escape else {})}
    place = None if output is None else output_path(output)
    if place is not None:
        check_free(place, overwrite=True, folder=True)
        names = [*world.populations, *world.events]
        store = RunFolder(
            place,
            {"fingerprint": fingerprint(facts), **facts},
            defaultdict(lambda: (main,), dict.fromkeys(names, (main,))),
            fresh=fresh,
            overwrite=overwrite,
            escape_formulas=escape,
        )
    try:
        if isinstance(store, RunFolder) and store.manifest is not None:
            store.check_files()
            past = store.manifest["tables"].values()
            return Dataset.open(store.path, reused=sum(table["written"] for table in past))
        keeper = _Keeper(world, store, facts, count, watched(progress))
        dataset = keeper.run(populations_of(world, spec, chance), chance)
        tell_formulas(dataset.manifest, escaped=escape)
        return dataset
    except KeyboardInterrupt as exc:
        raise RunInterrupted(
            f"stopped after {world.step:,} of {count:,} steps",
            code="run.interrupted",
            hint=f"{'run the same command' if output else 'name an output folder'} to continue",
        ) from exc
    finally:
        if isinstance(store, RunFolder):
            store.close()


def facts_of(world: World, spec: DatasetSpec | None, steps: int, seed: int) -> dict[str, Any]:
    """What decides the rows of a run."""
    return {
        "fabula": version("fabula"),
        "model_sha256": source_sha256(world),
        "spec_sha256": spec_sha256(spec) if spec else None,
        "sources": {
            name: file_sha256(path, world.populations[name].declared_at)
            for name, path in world.sources.items()
        },
        "seed": seed,
        "steps": steps,
        "parameters": world.parameters,
        "tables": {name: table.n or 0 for name, table in (spec.tables if spec else {}).items()},
    }


class _Keeper:
    """Makes the steps of a run, and keeps what they add."""

    def __init__(
        self,
        world: World,
        store: RunFolder | MemoryStore,
        facts: Mapping[str, Any],
        steps: int,
        progress: Progress | None,
    ) -> None:
        self._world, self._store, self._facts, self._steps = world, store, facts, steps
        self._progress = progress
        self._waiting: dict[str, list[pa.Table]] = {name: [] for name in world.events}
        self._records: dict[str, list[PartRecord]] = {name: [] for name in world.events}
        self._place = store.path / STATE / "checkpoint" if isinstance(store, RunFolder) else None
        self._print = fingerprint(facts)
        self._history = History(world, steps)

    def run(self, tables: Mapping[str, pa.Table], seed: int) -> Dataset:
        """Make the steps that are missing, write the last rows and the populations."""
        timings = stopwatch()
        world, run = self._world, Run(self._world, tables, seed)
        self._resume(run)
        kept = time.monotonic()
        if self._progress:
            self._progress(world.name, world.step, self._steps)
        while world.step < self._steps:
            run.step()
            self._history.note()
            if self._progress:
                self._progress(world.name, world.step, self._steps)
            for name in self._waiting:
                self._write_full(name)
            if time.monotonic() - kept > KEPT_EVERY:
                self._keep(run)
                kept = time.monotonic()
        for name, event in world.events.items():
            self._write_last(name)
            event.check_written(sum(part.rows for part in self._records[name]))
        records = {
            name: self._written(population) for name, population in world.populations.items()
        }
        made = {**records, **self._records}
        manifest = self._manifest(made, seed, timings())
        if isinstance(self._store, RunFolder):
            if self._place is not None:
                self._place.unlink(missing_ok=True)
            self._store.finish(manifest, (), forget=True)
            return Dataset.open(self._store.path, trusted=True)
        schemas = {name: each.written(slice(0)).schema for name, each in world.populations.items()}
        schemas |= {name: event.schema for name, event in world.events.items()}
        return Dataset(
            {
                name: self._store.read(layout_of(name, schemas[name], len(parts)))
                for name, parts in made.items()
            },
            manifest,
        )

    def _resume(self, run: Run) -> None:
        """Continue from the last step that was kept."""
        found = None if self._place is None else read_checkpoint(self._place)
        if found is None or found[0].get("run") != self._print:
            return
        state, waiting = found
        records = {
            name: [self._past(name, part) for part in range(count)]
            for name, count in state["parts"].items()
        }
        if any(record is None for parts in records.values() for record in parts):
            return  # a file of it is missing: the steps are made from the first one on
        run.restore(state)
        self._history.values = state["history"]
        self._waiting |= waiting
        self._records = records  # type: ignore[assignment]

    def _past(self, name: str, part: int) -> PartRecord | None:
        assert isinstance(self._store, RunFolder)
        schema = self._world.events[name].schema
        return self._store.finished(layout_of(name, schema, parts=2), part)

    def _keep(self, run: Run) -> None:
        if self._place is None:
            return
        for name in self._waiting:
            self._drain(name)
        parts = {name: len(records) for name, records in self._records.items()}
        state = {**run.state(), "run": self._print, "parts": parts}
        state["history"] = self._history.values
        write_checkpoint(self._place, state, self._waiting)

    def _drain(self, name: str) -> None:
        """Let the rows that an event table has added wait for their part."""
        if (rows := self._world.events[name].drained()) is not None:
            self._waiting[name].append(rows)

    def _write_full(self, name: str) -> None:
        """Write a part of an event table when enough rows wait for it."""
        rows = sum(table.num_rows for table in self._waiting[name])
        if rows + self._world.events[name].waiting >= PART_ROWS:
            self._write(name, parts=2)

    def _write_last(self, name: str) -> None:
        """Write the rows that are left; a table of one part is a single file."""
        self._drain(name)
        if self._waiting[name] or not self._records[name]:
            self._write(name, parts=2 if self._records[name] else 1)

    def _write(self, name: str, parts: int) -> None:
        self._drain(name)
        schema, records = self._world.events[name].schema, self._records[name]
        rows = pa.concat_tables([empty_table(schema), *self._waiting[name]])
        made = (_block(rows, each) for each in range(max(1, -(-rows.num_rows // BLOCK_ROWS))))
        records.append(self._store.keep(layout_of(name, schema, parts), len(records), 0, made))
        self._waiting[name] = []
        del rows, made
        pa.default_memory_pool().release_unused()

    def _written(self, population: Population) -> list[PartRecord]:
        """Write a population, block by block."""
        name, schema = population.table_name, population.written(slice(0)).schema
        layout = Layout(name, schema, len(population), max(1, -(-len(population) // BLOCK_ROWS)))
        records = []
        for part in range(layout.parts):
            starts = (block * BLOCK_ROWS for block in layout.blocks_of(part))
            made = (MadeBlock(population.written(slice(at, at + BLOCK_ROWS))) for at in starts)
            records.append(self._store.keep(layout, part, 0, made))
            pa.default_memory_pool().release_unused()
        return records

    def _manifest(
        self, records: Mapping[str, list[PartRecord]], seed: int, timings: Mapping[str, Any]
    ) -> dict[str, Any]:
        world = self._world
        spec = world.spec(self._facts["tables"])
        accounts = {
            f"{name}.{column}": vars(account)
            for name, population in world.populations.items()
            for column, account in population.accounts.items()
        }
        return {
            "name": world.name,
            "seed": seed,
            "versions": versions(),
            "fake": False,
            "passed": True,
            "tables": {name: table_record(parts) for name, parts in records.items()},
            "checks": [],
            "models": {},
            "timings": dict(timings),
            "simulation": {
                "steps": self._steps,
                "start": world.clock.start.isoformat(),
                "step_seconds": world.clock.step,
                "model_sha256": self._facts["model_sha256"],
                "parameters": world.parameters,
                "rules": [*world.rules],
                "laws": [*world.laws],
                "conserved": accounts,
                "totals": totals(world),
                "references": {name: event.parents for name, event in world.events.items()},
                **key_facts(world),
                "history": self._history.values,
                "decisions": {name: vars(each.told) for name, each in world.decisions.items()},
            },
            "spec_sha256": self._facts["spec_sha256"],
            **({"spec": public_spec(spec)} if spec else {}),
        }


def _block(rows: pa.Table, block: int) -> MadeBlock:
    """A block of rows in one piece each column: bytes don't depend on when rows were drained."""
    return MadeBlock(rows.slice(block * BLOCK_ROWS, BLOCK_ROWS).combine_chunks())


def layout_of(name: str, schema: pa.Schema, parts: int) -> Layout:
    """The layout of a table whose rows nobody knows before the end."""
    return Layout(name, schema, 0, 1 if parts == 1 else parts * PART_BLOCKS)


def steps_of(world: World, steps: int | None, days: float | None) -> int:
    """How many steps are made."""
    if steps is not None and days is not None:
        raise UsageError("give steps or days, not both", code="usage.steps")
    if days is not None:
        exact = days * DAY / world.clock.step
        if exact < 0 or exact != int(exact):
            raise UsageError(
                f"{days:g} days are not a whole number of steps of {world.clock.step:g} s",
                code="usage.steps",
                hint="give `steps` instead",
            )
        return int(exact)
    count = world.steps if steps is None else steps
    if count < 0:
        raise UsageError(f"{count} steps can't be made", code="usage.steps")
    return count


def sizes_by_population(world: World, n: Size) -> dict[str, int]:
    """The size of each population that is given one."""
    if n is None:
        return {}
    if isinstance(n, Mapping):
        return dict(n)
    if len(world.tables) != 1:
        raise UsageError(
            f"name the population: {', '.join(world.tables) or 'all are from files'}",
            code="usage.rows",
            hint=f"give `-n {next(iter(world.tables), 'NAME')}={n}`",
        )
    return dict.fromkeys(world.tables, n)


def populations_of(world: World, spec: DatasetSpec | None, seed: int) -> dict[str, pa.Table]:
    """The rows of the populations before the first step."""
    tables = {name: as_table(path, name=name) for name, path in world.sources.items()}
    if spec is not None:
        with models_of_run() as open_model:
            try:
                plan = make_plan(spec, seed=seed)
            except SpecError as error:
                named = (error.where or "").split(".")
                found = [p for name, p in world.populations.items() if name in named]
                raise placed(error, *found[0].declared_at) if found else error from None
            made = execute(plan, open_model=open_model)
        tables |= {name: made.to_arrow(name) for name in made}
    return tables


def laws_held(facts: Mapping[str, Any]) -> str:
    """What held in a run, by its record in the manifest."""
    laws = amounts.count(len(facts["laws"]) + len(facts["conserved"]), "law")
    return f"{laws} held in each of {amounts.count(facts['steps'], 'step')}"


def told(dataset: Dataset) -> str:
    """What a run of a world made, in lines for people."""
    manifest = dataset.manifest
    facts = manifest["simulation"]
    rows = [
        (name, amounts.count(table["written"], "row")) for name, table in manifest["tables"].items()
    ]
    lines = [*grid.lines(rows, right=(False, True)), laws_held(facts)]
    lines += [Told(**each).line(name) for name, each in facts["decisions"].items()]
    return "\n".join(lines)
