"""Ray Core as an executor: the tasks of a run on the workers of a cluster.

A task is a pure function of small values, so Ray runs it again where a worker or a node died; its
result is used once. Ray sends no usage statistics from here, and opens no dashboard.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fabula.errors import FabulaError, PartialRunError, PrerequisiteError
from fabula.runs.fingerprint import versions

Task = TypeVar("Task")
Result = TypeVar("Result")

RETRIES = 10
"""Times that a task is run again after its worker died."""

OWN_STORE = 1 << 30
"""Bytes of the object store of a cluster that is started here."""

_SETTINGS = "FABULA_"
"""How variables start that workers get; keys of models go to the one process that asks."""


class RayCluster:
    """A cluster that is there, or one of this machine that ends with `close`.

    Args:
        address: Of a running cluster, `host:6379` or `auto`; by default the one that `RAY_ADDRESS`
            names, else one that is started here.
        workers: Worker processes of a cluster that is started here.

    Raises:
        PrerequisiteError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, address: str | None = None, workers: int = 1) -> None:
        ray = ray_module()
        self._owned = not ray.is_initialized()
        if self._owned:
            place = address or os.environ.get("RAY_ADDRESS")
            try:
                if place:
                    ray.init(address=place, log_to_driver=False, logging_level="error")
                else:
                    ray.init(
                        address="local",
                        num_cpus=workers,
                        object_store_memory=OWN_STORE,
                        include_dashboard=False,
                        log_to_driver=False,
                        logging_level="error",
                    )
            except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
                raise PrerequisiteError(
                    f"no Ray cluster answers at `{place or 'this machine'}`:"
                    f" {str(exc).partition(chr(10))[0]}",
                    code="ray.no-cluster",
                    hint="start one with `ray start --head`, or leave `--address` out",
                ) from exc
        self._slots = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def map(
        self,
        function: Callable[..., Result],
        tasks: Sequence[Task],
        *shared: Any,
    ) -> Iterator[tuple[Task, Result]]:
        """Yield each task with `function(task, *shared)`, in order; few are in flight.

        Args:
            function: Runs on a worker; what it raises of Fabula's errors is raised here.
            tasks: Small values that can be pickled.
            shared: Values that all tasks get, sent once.

        Raises:
            PartialRunError: The workers of one task died again and again.
        """
        ray = ray_module()
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_run)
        context = ray.put(_Context.of(function, shared))
        waiting: deque[tuple[Task, Any]] = deque()
        todo = iter(tasks)
        try:
            while True:
                while len(waiting) < 2 * self._slots and (task := next(todo, None)) is not None:
                    waiting.append((task, remote.remote(context, task)))
                if not waiting:
                    return
                task, reference = waiting.popleft()
                yield task, _got(reference)
        finally:
            for _, reference in waiting:
                ray.cancel(reference, force=True)

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that are alive, each with the versions of what decides bytes there."""
        ray = ray_module()
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        alive = [node for node in ray.nodes() if node["Alive"]]
        remote = ray.remote(num_cpus=0, max_retries=0)(versions)
        asked = [
            remote.options(scheduling_strategy=On(node["NodeID"], soft=False)).remote()
            for node in alive
        ]
        found = []
        for node, reference in zip(alive, asked, strict=True):
            try:
                there: Mapping[str, str] = ray.get(reference, timeout=60)
            except Exception as exc:  # whatever keeps a node from answering is the finding
                there = {"problem": str(exc).strip().rpartition("\n")[2]}
            found.append(
                {
                    "host": node["NodeManagerHostname"],
                    "cpus": int(node["Resources"].get("CPU", 0)),
                    "versions": there,
                }
            )
        return found

    def close(self) -> None:
        """End a cluster that was started here; leave another one."""
        if self._owned:
            ray_module().shutdown()


class _Context:
    """What all tasks of a map share, and what their process must have."""

    def __init__(
        self,
        function: Callable[..., Any],
        shared: tuple[Any, ...],
        *,
        versions: Mapping[str, str],
        settings: Mapping[str, str],
        folder: str,
    ) -> None:
        self.function, self.shared = function, shared
        self.versions, self.settings, self.folder = versions, settings, folder

    @classmethod
    def of(cls, function: Callable[..., Any], shared: tuple[Any, ...]) -> _Context:
        """The context of tasks that this process hands out."""
        settings = {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS)}
        return cls(function, shared, versions=versions(), settings=settings, folder=str(Path.cwd()))

    def enter(self) -> None:
        """Make this process like the one that hands out the tasks.

        Raises:
            PrerequisiteError: It has other versions of what decides the bytes.
        """
        here = versions()
        for name, version in self.versions.items():
            if here.get(name) != version and name != "python":
                raise PrerequisiteError(
                    f"a worker has {name} {here.get(name)}, not {version}: its rows could differ",
                    code="ray.versions",
                    hint=f"install {name} {version} on every node",
                )
        os.environ.update(self.settings)
        if Path(self.folder).is_dir():
            os.chdir(self.folder)


def _run(context: _Context, task: Any) -> Any:
    """A task on a worker; an error of Fabula comes back as a value, so that it is not retried."""
    try:
        context.enter()
        return context.function(task, *context.shared)
    except FabulaError as error:
        return error


def _got(reference: Any) -> Any:
    import ray.exceptions as failures

    try:
        result = ray_module().get(reference)
    except failures.RayTaskError:
        raise
    except failures.RayError as exc:
        raise PartialRunError(
            f"the workers of a task died {RETRIES + 1} times:"
            f" {str(exc).strip().partition(chr(10))[0]}",
            code="run.worker",
            hint="run the same command to continue; give the workers more memory if they ran out",
        ) from exc
    if isinstance(result, FabulaError):
        raise result
    return result


def ray_module() -> Any:
    """Ray, which reports nothing of its use.

    Raises:
        PrerequisiteError: It is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as exc:
        raise PrerequisiteError.for_extra("ray", needed_by="`--executor ray`") from exc
    return ray
