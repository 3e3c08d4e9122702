"""Regions: one model run for each of several places, as one dataset.

A region has its own stock, chance and parameters, and shares nothing with the others. So regions
run in as many processes as are given, to the same bytes, and one more leaves the rest as they were.
Its rows have its name, and its keys come after those of the regions before it.
"""

from __future__ import annotations

import math
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import chain, islice
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from fabula.engines.made import MadeBlock
from fabula.errors import UsageError
from fabula.io.arrays import empty_table
from fabula.io.formats import as_format
from fabula.io.names import file_stem, output_path
from fabula.runs.belongings import STATE
from fabula.runs.dataset import Dataset
from fabula.runs.fingerprint import fingerprint
from fabula.runs.folder import RunFolder
from fabula.runs.manifest import stopwatch, table_record
from fabula.runs.parts import PART_BLOCKS, PartRecord
from fabula.runs.replicate_tasks import Task, made_by
from fabula.runs.simulation import PART_ROWS, facts_of, layout_of, sizes_by_population, steps_of
from fabula.runs.stores import MemoryStore
from fabula.simulation.draws import mixed
from fabula.simulation.model_files import load_world
from fabula.simulation.world import World
from fabula.streams import BLOCK_ROWS, name_key
from fabula.types import Path, Progress, Size

REGION = "region"
"""The column that has a row's region."""


def simulate_regions(
    model: World | Path,
    regions: Mapping[str, Mapping[str, float]],
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
    workers: int = 1,
    executor: Executor | Literal["ray"] | None = None,
    address: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Run a model once for each region, and return all regions' tables as one dataset.

    Args:
        model: A `World`, or the Python file that makes one.
        regions: The parameters of each region, by its name.
        n: Agents of each region, for the only population or by population.
        steps: Steps to make; overrides the model.
        days: Days to simulate, instead of steps.
        seed: Overrides the model's seed. Each region draws from it and from its name.
        parameters: Parameters of all regions.
        output: A folder to write to; without one the tables stay in memory.
        format: `parquet`, `csv`, `jsonl` or `arrow`.
        fresh: Start over instead of continuing an earlier run.
        overwrite: Replace another run in the folder.
        workers: Processes on this machine.
        executor: Runs the regions instead: `ray`, or any `concurrent.futures.Executor`, whose
            workers read the model's file and write to `output`.
        address: Of the Ray cluster; by default the one that `RAY_ADDRESS` names, else one of
            `workers` that is started here.
        progress: Called with the model's name, regions done and regions asked.

    Returns:
        The model's tables, with the column `region` after their keys.

    Raises:
        UsageError: There are no regions or workers, or a `World` is to run in other processes.
        FabulaError: A region's run fails; the error is that of the run.

    Examples:
        >>> import fabula as fb
        >>> from fabula.simulation import World
        >>> world = World(steps=2)
        >>> people = world.population("people", n=2)
        >>> fb.simulate_regions(world, {"north": {}, "south": {}})["people"].to_pydict()
        {'id': [1, 2, 3, 4], 'region': ['north', 'north', 'south', 'south']}
    """
    if not regions or "" in regions or workers < 1:
        raise UsageError("a region with a name, and a worker are needed", code="usage.number")
    given = {name: {**(parameters or {}), **own} for name, own in regions.items()}
    worlds = [load_world(model, own) for own in given.values()]
    world, count = worlds[0], steps_of(worlds[0], steps, days)
    tables = {name: [*table.roles] for name, table in world.populations.items()}
    tables |= {name: [*table.columns] for name, table in world.events.items()}
    for name in (name for name, columns in tables.items() if REGION in columns):
        raise UsageError(
            f"`{name}` has a column `{REGION}` of its own",
            code="usage.region",
            hint="give it another name in the model",
        )
    place = None if output is None else output_path(output)
    chance, main = world.seed if seed is None else seed, as_format(format or "parquet")
    facts = facts_of(world, world.spec(sizes_by_population(world, n)), count, chance)
    facts |= {"parameters": given, "format": main}
    store: RunFolder | MemoryStore = MemoryStore()
    if place is not None:
        identity = {"fingerprint": fingerprint(facts), **facts}
        formats = defaultdict(lambda: (main,), dict.fromkeys(tables, (main,)))
        store = RunFolder(place, identity, formats, fresh=fresh, overwrite=overwrite)
    try:
        if isinstance(store, RunFolder) and store.manifest is not None:
            store.check_files()
            past = store.manifest["tables"].values()
            return Dataset.open(store.path, reused=sum(table["written"] for table in past))
        timings = stopwatch()
        with TemporaryDirectory() as temporary:
            base = store.path / STATE if isinstance(store, RunFolder) else FilePath(temporary)
            options = {"n": n, "steps": count, "format": "parquet"}
            options |= {"fresh": fresh, "overwrite": overwrite}
            tasks = [
                Task(
                    model if isinstance(model, World) else str(model),
                    name,
                    number,
                    mixed(mixed(chance) ^ name_key(name)) >> 1,
                    own,
                    str(base / "regions" / file_stem(name)),
                    options,
                )
                for number, (name, own) in enumerate(given.items())
            ]
            for done, _ in enumerate(chain([None], made_by(tasks, workers, executor, address))):
                if progress:
                    progress(world.name, done, len(tasks))
            runs = {task.scenario: Dataset.open(str(task.folder), trusted=True) for task in tasks}
            records = {name: _kept(name, runs, store) for name in tables}
            manifest = _manifest(runs, records, [*world.measures]) | {"seed": chance}
            manifest["timings"] = timings()
            if isinstance(store, RunFolder):
                store.finish(manifest, (), forget=True)
                shutil.rmtree(base / "regions")
                return Dataset.open(store.path, trusted=True)
            schemas = {name: next(_rows(name, runs)).schema for name in tables}
            read = {
                name: store.read(layout_of(name, schemas[name], len(parts)))
                for name, parts in records.items()
            }
            return Dataset(read, manifest)
    finally:
        if isinstance(store, RunFolder):
            store.close()


def _kept(name: str, runs: Mapping[str, Dataset], store: RunFolder | MemoryStore) -> Any:
    """The records of the parts of a table, which has the rows of all regions."""
    one = sum(run.count(name) for run in runs.values()) <= PART_ROWS
    blocks = _blocks(name, runs)
    records: list[PartRecord] = []
    while part := [*islice(blocks, PART_BLOCKS)] if not one else [*blocks]:
        layout = layout_of(name, part[0].table.schema, 1 if one else 2)
        records.append(store.keep(layout, len(records), 0, iter(part)))
    return records


def _blocks(name: str, runs: Mapping[str, Dataset]) -> Iterator[MadeBlock]:
    """The rows of a table in blocks, of which there is one at least."""
    waiting: list[pa.Table] = []
    for rows in _rows(name, runs):
        waiting.append(rows)
        while sum(map(len, waiting)) >= BLOCK_ROWS:
            whole = pa.concat_tables(waiting)
            yield MadeBlock(whole.slice(0, BLOCK_ROWS).combine_chunks())
            waiting = [whole.slice(BLOCK_ROWS)]
    yield MadeBlock(pa.concat_tables(waiting).combine_chunks())


def _rows(name: str, runs: Mapping[str, Dataset]) -> Iterator[pa.Table]:
    """The rows of a table, region by region, with keys that no other region has."""
    last: dict[str, int] = {}
    for region, run in runs.items():
        shifts: dict[str, int] = defaultdict(int)
        for table, ends in run.manifest["simulation"]["key_ranges"].items():
            for least, most in [ends] if ends else ():
                shifts[table] = max(0, last.get(table, least - 1) + 1 - least)
                last[table] = shifts[table] + most
        keys: dict[str, str] = run.manifest["simulation"]["keys"][name]
        rows = run.rows(name)
        key = rows.schema.get_field_index(next(iter(keys)))
        empty = empty_table(rows.schema)
        for piece in (empty, *map(pa.Table.from_batches, ([batch] for batch in rows.to_batches()))):
            made = piece
            for column, table in keys.items():
                field = made.schema.field(column)
                values = (
                    pc.add(made[column], shifts[table])
                    if pa.types.is_integer(field.type)
                    else pc.binary_join_element_wise(region, made[column].cast(pa.string()), "-")
                )
                place = made.schema.get_field_index(column)
                made = made.set_column(place, column, values)
            yield made.add_column(key + 1, REGION, pa.repeat(region, len(made)))


def _manifest(
    runs: Mapping[str, Dataset], records: Mapping[str, list[PartRecord]], measures: Sequence[str]
) -> dict[str, Any]:
    """The record of all regions: quantities and totals are sums; measures are each region's own."""
    each = {region: run.manifest["simulation"] for region, run in runs.items()}
    first = next(iter(runs.values())).manifest
    steps = first["simulation"]["history"]["step"]
    summed = {
        name: _sum([facts[name] for facts in each.values()])
        for name in ("conserved", "totals", "history")
    }
    summed["history"]["step"] = steps
    for name in measures:
        summed["totals"].pop(name)
    told = ("parameters", "totals")
    regions = {
        region: {"seed": runs[region].manifest["seed"], **{key: facts[key] for key in told}}
        for region, facts in each.items()
    }
    return {
        **first,
        "tables": {name: table_record(parts) for name, parts in records.items()},
        "simulation": {**first["simulation"], **summed, "parameters": {}, "regions": regions},
    }


def _sum(values: Sequence[Any]) -> Any:
    """The sum of numbers, or of what is in the same place of mappings and lists."""
    if isinstance(values[0], Mapping):
        return {name: _sum([value[name] for value in values]) for name in values[0]}
    if isinstance(values[0], list):
        sizes = {len(value) for value in values}
        return [_sum(each) for each in zip(*values, strict=True)] if len(sizes) == 1 else []
    return math.fsum(values) if isinstance(values[0], float) else sum(values)
