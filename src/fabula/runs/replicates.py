"""Runs of one model under several seeds and parameters, in as many processes as are given.

A replicate is a run of its own: its seed, its parameters, its folder. So what it makes depends on
no other, and is the same for any number of workers, on any executor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.io.names import output_path
from fabula.io.places import make_folder, replacing
from fabula.render import amounts, grid
from fabula.render.results import Result
from fabula.runs.replicate_tasks import Task, Totals, made_by
from fabula.runs.shares.share import Share
from fabula.simulation.model_files import load_world
from fabula.simulation.world import World
from fabula.types import Path, Progress, Size

ONLY = ""
"""The scenario of a model that is run as it is."""


@dataclass(frozen=True, repr=False)
class Replicates(Result):
    """The totals of several runs of a model.

    Attributes:
        totals: A row a run: `scenario`, `replicate`, `seed`, and each total by its name.
        path: The folder of their tables, `SCENARIO/REPLICATE/`; None if only totals were kept.
    """

    totals: pa.Table
    path: FilePath | None = None

    @property
    def scenarios(self) -> list[str]:
        """The names of the scenarios, in their order."""
        return list(dict.fromkeys(self.totals["scenario"].to_pylist()))

    @property
    def names(self) -> list[str]:
        """The names of the totals."""
        return [*self.totals.column_names[3:]]

    def of(self, scenario: str) -> NDArray[np.float64]:
        """The totals of a scenario; shape (replicates, totals)."""
        rows = np.array(self.totals["scenario"].to_pylist()) == scenario
        columns = [self.totals[name].to_numpy()[rows] for name in self.names]
        return np.array(columns, dtype=np.float64).T

    def difference(self, first: str, second: str) -> pa.Table:
        """How a scenario differs from another: `second` minus `first`, replicate by replicate.

        Both had the same chance, so much of the noise is in neither difference.

        Returns:
            For each total its mean in both, the mean difference and its standard error, which is
            missing for a single replicate.
        """
        if missing := [name for name in (first, second) if name not in self.scenarios]:
            raise UsageError(
                f"there is no scenario `{missing[0]}`",
                code="usage.scenario",
                hint=f"there are {', '.join(self.scenarios)}",
            )
        before, after = self.of(first), self.of(second)
        change, n = after - before, len(before)
        error = change.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else [None] * len(self.names)
        columns = [self.names, before.mean(axis=0), after.mean(axis=0), change.mean(axis=0), error]
        return pa.table(columns, names=["total", first, second, "difference", "standard_error"])

    def report(self) -> str:
        """The mean and the spread of each total, and how each scenario differs from the first."""
        first, *others = self.scenarios
        runs = len(self.of(first))
        lines = [
            f"{amounts.count(runs, 'replicate')} of "
            + (", ".join(self.scenarios) if others else "the model")
        ]
        spread = self.of(first).std(axis=0, ddof=1) if runs > 1 else np.zeros(len(self.names))
        rows = [
            (name, f"{mean:,.6g}", f"± {sd:,.3g}" if runs > 1 else "")
            for name, mean, sd in zip(self.names, self.of(first).mean(axis=0), spread, strict=True)
        ]
        lines += grid.lines(
            [("total", f"mean {first}".strip(), "sd" if runs > 1 else ""), *rows],
            right=(False, True, False),
        )
        for other in others:
            table = self.difference(first, other).to_pylist()
            changes = [
                (row["total"], f"{row['difference']:+,.6g}", _error(row["standard_error"]))
                for row in table
            ]
            lines += ["", f"{other} minus {first}, with the same random draws"]
            lines += grid.lines(changes, right=(False, True, False))
        return "\n".join(lines)


def _error(value: float | None) -> str:
    return "" if value is None else f"± {value:,.3g} (standard error)"


def replicate(
    model: World | Path,
    n: Size = None,
    *,
    replicates: int = 10,
    scenarios: Mapping[str, Mapping[str, float]] | None = None,
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
    blocks: str | None = None,
    progress: Progress | None = None,
) -> Replicates:
    """Run a model several times, under other seeds and in several scenarios.

    Replicate k of every scenario has the seed `seed + k`: common random numbers, under which two
    policies differ by what they do and not by luck. A region with its own stock is a scenario.

    Args:
        model: A `World`, or the Python file that makes one.
        n: Agents, for the only population or by population.
        replicates: Runs of each scenario.
        scenarios: Parameters of each scenario, by its name; by default the model as it is.
        steps: Steps of each run.
        days: Days of each run, instead of steps.
        seed: The first seed; by default the model's.
        parameters: Parameters of all scenarios.
        output: A folder that keeps the tables of all runs; without it only totals are kept. Runs
            that it holds are not made again.
        format: `parquet`, `csv`, `jsonl` or `arrow`.
        fresh: Start every run over.
        overwrite: Replace runs of another model or size in the folder.
        workers: Processes on this machine.
        executor: Runs the tasks instead: `ray`, or any `concurrent.futures.Executor`, whose workers
            read the model's file and write to `output`.
        address: Of the Ray cluster; by default the one that `RAY_ADDRESS` names, else one of
            `workers` that is started here.
        blocks: `3/16`: make the third of 16 shares of the runs alone. The same call without
            `blocks` then makes nothing again, and has all totals.
        progress: Called with the model's name, runs done and runs asked.

    Raises:
        UsageError: There are no replicates or workers, or a `World` is to run in other processes.
        FabulaError: A run fails; the error is that of the run.

    Examples:
        >>> import fabula as fb
        >>> from fabula.simulation import World
        >>> world = World(steps=2)
        >>> people = world.population("people", n=5)
        >>> fb.replicate(world, replicates=3).totals.num_rows
        3
    """
    if replicates < 1 or workers < 1:
        raise UsageError("at least one replicate and one worker are needed", code="usage.number")
    named = {ONLY: {}} if scenarios is None else scenarios
    if not named or (bad := [name for name in named if FilePath(name).name != name and name]):
        raise UsageError(
            f"`{bad[0]}` can't name a folder" if named else "there is no scenario",
            code="usage.scenario",
            hint="name scenarios by letters and digits",
        )
    worlds = [load_world(model, {**(parameters or {}), **given}) for given in named.values()]
    first = worlds[0].seed if seed is None else seed
    if not -(2**63) <= first < 2**63 - replicates:
        raise UsageError(
            f"the seed {first} is too large to count on from", code="usage.seed", hint="give 1"
        )
    folder = None if output is None else output_path(output)
    options = {"n": n, "steps": steps, "days": days, "format": format}
    options |= {"fresh": fresh, "overwrite": overwrite}
    tasks = [
        Task(
            model if isinstance(model, World) else str(model),
            scenario,
            number,
            first + number,
            {**(parameters or {}), **given},
            None if folder is None else str(folder / scenario / f"{number:03}"),
            options,
        )
        for scenario, given in named.items()
        for number in range(replicates)
    ]
    if blocks is not None:
        tasks = _share(tasks, blocks)
    found: list[Totals] = []
    if progress:
        progress(worlds[0].name, 0, len(tasks))
    for made in made_by(tasks, workers, executor, address):
        found.append(made)
        if progress:
            progress(worlds[0].name, len(found), len(tasks))
    result = Replicates(_table(tasks, found), folder)
    if folder is not None and blocks is None:
        make_folder(folder)
        with replacing(folder / "totals.parquet") as temporary:
            pq.write_table(result.totals, temporary)
    return result


def _share(tasks: list[Task], blocks: str) -> list[Task]:
    """The runs of one share, which their folders keep."""
    share = Share.read(blocks)
    mine = tasks[share.number - 1 :: share.of] if share.number else []
    if not mine or tasks[0].folder is None:
        raise UsageError(
            f"share {share} of {len(tasks)} runs is empty"
            if tasks[0].folder
            else "the runs of a share are kept in folders, and no `output` is given",
            code="usage.blocks",
            hint=f"there can be {len(tasks)} shares at most, from 1 on"
            if tasks[0].folder
            else 'name one: `output="out"`',
        )
    return mine


def _table(tasks: Sequence[Task], found: Sequence[Totals]) -> pa.Table:
    facts = {
        "scenario": pa.array([task.scenario for task in tasks], pa.string()),
        "replicate": pa.array([task.replicate for task in tasks], pa.int64()),
        "seed": pa.array([task.seed for task in tasks], pa.int64()),
    }
    values = {name: pa.array([each[name] for each in found], pa.float64()) for name in found[0]}
    return pa.table({**facts, **values})
