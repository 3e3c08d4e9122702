"""Runs of a model as tasks: one after the other, in processes of this machine, or on a cluster."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from fabula.errors import FabulaError, PartialRunError, SinkError, UsageError
from fabula.runs.records import read_manifest
from fabula.runs.simulation import simulate
from fabula.simulation.model_files import file_of, load_world
from fabula.simulation.world import World

Totals = dict[str, float]


@dataclass(frozen=True)
class Task:
    """One run: plain values, which travel to any process."""

    model: Any
    scenario: str
    replicate: int
    seed: int
    parameters: Mapping[str, float]
    folder: str | None
    options: Mapping[str, Any]


def run_task(task: Task) -> Totals:
    """Make one run, and return its totals; a run that its folder holds is not made again."""
    world = task.model
    if not isinstance(world, World):
        changed = file_of(world)[0].stat().st_mtime_ns
        world = _world(world, tuple(sorted(task.parameters.items())), changed)
    dataset = simulate(world, seed=task.seed, output=task.folder, **task.options)
    found: Totals = dataset.manifest["simulation"]["totals"]
    return found


@lru_cache(maxsize=1)
def _world(model: str, parameters: tuple[tuple[str, float], ...], _changed: int) -> World:
    """The model, made once for the replicates of a scenario: its rules are compiled once."""
    return load_world(model, dict(parameters))


def made_by(
    tasks: Sequence[Task],
    workers: int = 1,
    executor: Executor | Literal["ray"] | None = None,
    address: str | None = None,
) -> Iterator[Totals]:
    """The totals of each run, in the order of the tasks."""
    if executor is None and (workers == 1 or len(tasks) == 1):
        return map(run_task, tasks)
    if any(isinstance(task.model, World) for task in tasks):
        raise UsageError(
            "a world stays in the process that made it",
            code="usage.model",
            hint="name the model's file: `shop.py`, or run it with one worker",
        )
    if executor == "ray":
        return _on_ray(tasks, workers, address)
    if executor is not None:
        return executor.map(run_task, tasks)
    return _in_processes(tasks, min(workers, len(tasks)))


def _on_ray(tasks: Sequence[Task], workers: int, address: str | None) -> Iterator[Totals]:
    """The totals of each run, made on a cluster whose nodes share a disk with this machine."""
    from fabula.runs.cluster.ray_cluster import RayCluster  # Ray takes a second to import

    cluster = RayCluster(address, workers)
    try:
        for task, made in cluster.map(run_task, tasks):
            if task.folder is not None and read_manifest(Path(task.folder)) is None:
                raise SinkError(
                    f"a worker wrote the run `{task.folder}` to a disk of its own",
                    code="run.other-disk",
                    where=task.folder,
                    hint="name an output on a disk that all nodes share",
                )
            yield made
    finally:
        cluster.close()


def _in_processes(tasks: Sequence[Task], workers: int) -> Iterator[Totals]:
    """Let processes of this Python work off the tasks: each takes the next one when it is done.

    They import the model's file and nothing of the user's program, which needs no `__main__` guard.
    """
    made: dict[int, Totals | FabulaError] = {}
    todo, changed = iter(enumerate(tasks)), threading.Condition()
    processes = [_started() for _ in range(workers)]

    def serve(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        while True:
            with changed:
                number, task = next(todo, (-1, None))
            if task is None:
                break
            try:
                pickle.dump(task, process.stdin)
                process.stdin.flush()
                result = pickle.load(process.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):
                result = PartialRunError(
                    f"the worker of run {task.replicate} ended before it was done",
                    code="run.worker",
                    hint="run the same command again, with fewer workers if memory is short",
                )
            with changed:
                made[number] = result
                changed.notify_all()

    threads = [threading.Thread(target=serve, args=(each,), daemon=True) for each in processes]
    try:
        for thread in threads:
            thread.start()
        for number in range(len(tasks)):
            with changed:
                while number not in made:
                    changed.wait()
            result = made.pop(number)
            if isinstance(result, FabulaError):
                raise result
            yield result
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _started() -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", "from fabula.runs.replicate_tasks import work; work()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )


def work() -> None:
    """Work off tasks from standard input, as a process that `replicate` started."""
    answers = sys.stdout.buffer
    with redirect_stdout(sys.stderr):  # answers alone go to the parent
        for task in _tasks():
            try:
                result: Totals | FabulaError = run_task(task)
            except FabulaError as error:
                result = error
            pickle.dump(result, answers)
            answers.flush()


def _tasks() -> Iterable[Task]:
    while True:
        try:
            yield pickle.load(sys.stdin.buffer)
        except (EOFError, KeyboardInterrupt):
            return
