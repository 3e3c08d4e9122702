"""Makes the parts of a run on the workers of a cluster; the run's folder is written here alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from fabula.engines.generation import Generation
from fabula.engines.made import MadeBlock
from fabula.engines.usage import ModelUsage
from fabula.errors import UsageError
from fabula.io.formulas import escaping_formulas
from fabula.io.names import file_stem
from fabula.io.places import remove_leftovers
from fabula.planning.documents import model_of
from fabula.planning.plan import Plan
from fabula.runs.belongings import STATE
from fabula.runs.cluster.asking import Asking, Door
from fabula.runs.cluster.ray_cluster import RayCluster
from fabula.runs.part_files import PartFiles
from fabula.runs.parts import Layout, PartRecord, Tally
from fabula.runs.stores import Store


@dataclass(frozen=True)
class PartTask:
    """A part of a table, and how often each table was drawn again: plain values."""

    table: str
    part: int
    attempts: Mapping[str, int]


@dataclass(frozen=True)
class PartMade:
    """A part that a worker made: its files, or its rows where nothing is written.

    Attributes:
        record: What happened to it.
        files: The bytes of its files by name; none where the worker wrote them in their place.
        blocks: Its rows, where they stay in memory.
        usage: What was asked of models for it.
    """

    record: PartRecord
    files: Mapping[str, bytes]
    blocks: tuple[MadeBlock, ...]
    usage: Mapping[str, ModelUsage]


@dataclass(frozen=True)
class Job:
    """What all parts of a run have in common.

    Attributes:
        run: Tells one run from another in a worker that lives on.
        plan: What to make.
        files: How parts are written; None where they stay in memory.
        door: Where models are asked; None where there are none.
    """

    run: str
    plan: Plan
    files: PartFiles | None
    door: Door | None

    @property
    def mark(self) -> Path | None:
        """A file in the run's folder that is there while parts are made."""
        return None if self.files is None else self.files.path / STATE / f"cluster-{self.run}"


def check_remote(plan: Plan) -> None:
    """Make sure that other machines can make the tables.

    Raises:
        UsageError: A table masks a real file, or has pictures, speech or clips of a model.
    """
    for owner in plan.spec.tables.values():
        for name, column in owner.columns.items():
            if model_of(column) is not None:
                raise UsageError(
                    f"this machine asks for the files of `{owner.name}.{name}`",
                    code="ray.files",
                    where=f"tables.{owner.name}.columns.{name}",
                    hint="leave out `--executor ray`",
                )
    for table in plan.tables:
        if table.spec.source is not None:
            raise UsageError(
                f"`{table.name}` masks a real file, and its key stays on this machine",
                code="ray.source",
                where=f"tables.{table.name}.source",
                hint="leave out `--executor ray`, or mask the file first: `fabula mask`",
            )


class RemoteParts:
    """The parts of one run, made on a cluster.

    Args:
        plan: What to make.
        cluster: Where.
        asking: Asks the models for all workers.
    """

    def __init__(self, plan: Plan, cluster: RayCluster, asking: Asking | None) -> None:
        self._plan, self._cluster, self._asking = plan, cluster, asking
        self._run = uuid4().hex
        self._usage: dict[str, ModelUsage] = {}

    def make(
        self, store: Store, layout: Layout, parts: Sequence[int]
    ) -> Iterator[tuple[int, PartRecord]]:
        """Have parts made, and keep them in the store as they come, in order."""
        attempts = {name: store.attempt(name) for name in self._plan.order}
        door = None if self._asking is None else self._asking.door
        files = store.files and replace(store.files, path=store.files.path.resolve())
        job = Job(self._run, self._plan, files, door)
        tasks = [PartTask(layout.table, part, attempts) for part in parts]
        with _marked(job):
            for task, made in self._cluster.map(make_part, tasks, job):
                for name, usage in made.usage.items():
                    past = self._usage.get(name)
                    self._usage[name] = usage if past is None else past + usage
                store.receive(layout, made.record, made.files, made.blocks)
                yield task.part, made.record

    def usage(self, here: Mapping[str, ModelUsage]) -> dict[str, ModelUsage]:
        """What was asked in all: here, by the workers, and by workers that died."""
        total = dict(here)
        for name, usage in self._usage.items():
            total[name] = total[name] + usage if name in total else usage
        return total if self._asking is None else self._asking.with_lost_calls(total)


def make_part(task: PartTask, job: Job) -> PartMade:
    """Make a part, on a worker."""
    generation = _generation(_Same(job))
    for name, attempt in task.attempts.items():
        generation.makers[name].settle(attempt)
    maker, attempt = generation.makers[task.table], task.attempts[task.table]
    layout = Layout.of(task.table, maker)
    blocks = (maker.make(block, attempt=attempt) for block in layout.blocks_of(task.part))
    if job.files is None:
        rows = tuple(blocks)
        tally = Tally(layout, task.part, attempt)
        for block in rows:
            tally.add(block)
        return PartMade(tally.record(), {}, rows, generation.spent())
    files = job.files
    with escaping_formulas(files.escape_formulas):
        if job.mark is not None and job.mark.exists():
            record = files.write(layout, task.part, attempt, blocks)
            return PartMade(record, {}, (), generation.spent())
        with tempfile.TemporaryDirectory(prefix="fabula-part-") as folder:
            record = replace(files, path=Path(folder)).write(layout, task.part, attempt, blocks)
            made = {file.name: (Path(folder) / file.name).read_bytes() for file in record.files}
    return PartMade(record, made, (), generation.spent())


@contextmanager
def _marked(job: Job) -> Iterator[None]:
    """Mark the run's folder, by which workers see that they share its disk."""
    if job.files is None or job.mark is None:
        yield
        return
    path = job.files.path
    job.mark.touch()
    try:
        yield
    finally:
        job.mark.unlink(missing_ok=True)
        for folder in (path, *(path / file_stem(table) for table in job.files.formats)):
            remove_leftovers(folder)  # of workers that died


class _Same:
    """A job that equals every copy of it, so that a worker prepares a run once."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.job.run == self.job.run

    def __hash__(self) -> int:
        return hash(self.job.run)


@lru_cache(maxsize=1)
def _generation(same: _Same) -> Generation:
    door = same.job.door
    return Generation(same.job.plan, open_model=None if door is None else door.open)
