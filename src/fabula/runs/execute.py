"""Runs a plan: makes every table, checks it, writes it, and says what happened to it.

Stages 3 to 5 of 6. Takes a `Plan`, returns a `Dataset`. With an output folder the run can be
killed at any moment: the same command then makes only what is missing, to the same bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fabula.checks.contradictions import possible
from fabula.checks.data import Data
from fabula.checks.evaluate import file_results
from fabula.engines.generation import Generation
from fabula.errors import RunInterrupted
from fabula.io.formats import Format, as_format
from fabula.io.formulas import escaping_formulas
from fabula.llm.client.chat import ChatModel
from fabula.planning.documents import document_plans, refuse_documents
from fabula.planning.outputs import output_files
from fabula.planning.plan import Plan
from fabula.runs.checking import Checking
from fabula.runs.dataset import Dataset
from fabula.runs.exit_rules import lost_too_many, raise_verdict
from fabula.runs.fingerprint import identity
from fabula.runs.folder import FindPart, RunFolder
from fabula.runs.manifest import (
    build_manifest,
    calls_made,
    json_ready,
    lost_rows,
    stopwatch,
    tell_formulas,
)
from fabula.runs.options import DEFAULT, RunOptions
from fabula.runs.parts import summed
from fabula.runs.progress import Tracker
from fabula.runs.stores import MemoryStore, Store
from fabula.runs.tables import Tables
from fabula.runs.tracking import count_run
from fabula.runs.training_sets import write_outputs
from fabula.spec.tables import ModelSpec
from fabula.telemetry import span
from fabula.types import Path as PathLike

logger = logging.getLogger(__name__)

OpenModel = Callable[[str | ModelSpec | ChatModel], ChatModel]


class Merged(Protocol):
    """Parts that were made elsewhere, and what the manifest tells of that."""

    @property
    def find(self) -> FindPart:
        """Finds a part of them."""
        ...

    def told(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Items of the manifest that tell of all shares."""
        ...


def execute(
    plan: Plan,
    options: RunOptions = DEFAULT,
    *,
    output: PathLike | None = None,
    open_model: OpenModel | None = None,
    generation: Callable[[Tracker], Generation] | None = None,
    merged: Merged | None = None,
) -> Dataset:
    """Run a plan and return what it made, in memory or in the folder `output`.

    A `generation` takes the place of the plan's own engines; `merged` brings parts that were made
    before.

    Raises:
        SpecError: Checks contradict each other, or the columns.
        UsageError: Documents are wanted, and no folder for them.
        SinkError: The folder contains something else, is in use, or can't be written.
        CheckError: A check does not hold; the data stays where it was written.
        PartialRunError: More rows were lost than `max_rejects`; the same call continues.
        RunInterrupted: The user stopped the run; the same call continues.
    """
    if output is None and not options.preview:
        refuse_documents(plan.spec)
    possible(plan)
    tracker = Tracker(options.progress)

    def make(store: Store) -> Dataset:
        engines = (
            Generation(plan, open_model=open_model, on_rows=tracker.answered)
            if generation is None
            else generation(tracker)
        )
        workers, elsewhere = options.workers, options.elsewhere
        tables = Tables(engines.makers, store, tracker, workers, elsewhere)
        return _make(plan, engines, tables)

    with (
        interruptible(tracker, kept=output is not None),
        span("fabula.run", seed=plan.seed, tables=len(plan.tables)) as note,
    ):
        if output is None:
            dataset = make(MemoryStore())
        else:
            dataset = _into_folder(
                plan, Path(output), options, tracker, make, merged=merged, open_model=open_model
            )
        note(passed=dataset.manifest["passed"], rejected=len(dataset.rejected))
    if dataset.reused < sum(table["written"] for table in dataset.manifest["tables"].values()):
        count_run(dataset.manifest)
    tell_formulas(dataset.manifest, escaped=options.escape_formulas)
    raise_verdict(dataset, options.max_rejects, plan.spec.source)
    return dataset


def open_folder(plan: Plan, path: Path, options: RunOptions, facts: Mapping[str, Any]) -> RunFolder:
    """The folder of a run that `facts` identify, held by this process."""
    return RunFolder(
        path,
        facts,
        _formats(plan, options.file_format),
        fresh=options.fresh,
        overwrite=options.overwrite,
        also=output_files(plan.spec),
        escape_formulas=options.escape_formulas,
    )


def _into_folder(
    plan: Plan,
    output: Path,
    options: RunOptions,
    tracker: Tracker,
    make: Callable[[Store], Dataset],
    *,
    merged: Merged | None,
    open_model: OpenModel | None,
) -> Dataset:
    """Make what a run's folder still lacks, and open it."""
    if document_plans(plan.spec):
        from fabula.runs.documents import check_documents  # lazily: loads clients of models

        check_documents(plan)
    escape = options.escape_formulas
    facts = identity(plan, options.file_format, escape_formulas=escape)
    folder = open_folder(plan, output, options, facts)
    tracker.resume(folder.answered(), folder.note_answered)
    if merged is not None:
        folder.found = merged.find
    try:
        with escaping_formulas(escape):
            reused = _go_on(plan, folder, make, options, merged=merged, open_model=open_model)
    except KeyboardInterrupt:
        tracker.stopped()
        raise
    finally:
        folder.close()
    schemas = {table.name: table.schema for table in plan.tables}
    return Dataset.open(output, schemas=schemas, reused=reused, trusted=True)


def try_lost_again(plan: Plan, folder: RunFolder) -> None:
    """Forget parts of an unfinished run whose rows models did not fill, and what builds on them.

    A limit that stopped the run may be gone, so that those rows come now, and others refer to them.
    """
    asked = {call.table for call in plan.calls}
    if asked:
        folder.reopen(plan.building_on(asked & folder.lossy()))


def _go_on(
    plan: Plan,
    folder: RunFolder,
    make: Callable[[Store], Dataset],
    options: RunOptions,
    *,
    merged: Merged | None,
    open_model: OpenModel | None,
) -> int:
    """Make what a run folder still lacks; returns the number of rows that it had already."""
    past, limit = folder.manifest, options.max_rejects
    if past and not lost_too_many(past, limit):
        folder.check_files()
        logger.info("`%s` holds this run, finished", folder.path)
        return sum(table["written"] for table in past["tables"].values())
    if past:
        lossy = {name for name, table in past["tables"].items() if table["rejected"]}
        folder.reopen(plan.building_on(lossy))
    else:
        try_lost_again(plan, folder)
    made = make(folder)
    manifest = dict(made.manifest) | ({} if merged is None else merged.told(made.manifest))
    also = output_files(plan.spec)
    truths: list[str] = []
    if document_plans(plan.spec):
        from fabula.runs.documents import make_documents  # lazily, as above
        from fabula.runs.file_details import fill_details

        rows, workers = made.rows, options.workers
        documents, truths = make_documents(plan, rows, folder.path, workers, open_model)
        manifest["documents"] = documents
        fill_details(plan, folder, manifest)
        made.forget()
        _check_files(plan, made, folder.path, options.workers, manifest)
    if outputs := write_outputs(plan, made, folder.path):
        manifest["outputs"] = outputs
    also += truths
    if also:
        folder.note_files(also)
    forget = not lost_too_many(manifest, limit)
    folder.finish(manifest, made.rejected, also, calls=made.calls, forget=forget)
    return made.reused


def _check_files(
    plan: Plan, made: Dataset, folder: Path, workers: int, manifest: dict[str, Any]
) -> None:
    """Add to the manifest how the checks of files do."""
    if not any(check.of_files for table in plan.spec.tables.values() for check in table.checks):
        return
    tables = {name: made.rows(name) for name in plan.order}
    with Data(tables, threads=workers, folder=folder) as data:
        found = file_results(plan.spec, data)
    manifest["checks"] = [*manifest["checks"], *(json_ready(each.to_dict()) for each in found)]
    manifest["passed"] = manifest["passed"] and found.passed


def _make(plan: Plan, generating: Generation, tables: Tables) -> Dataset:
    """Make the tables and check them."""
    timings = stopwatch()
    try:
        checking = Checking(plan, tables)
        for name in plan.order:
            tables.make(name)
            checking.after(name)
        usage, masked = tables.usage(generating.usage()), _masked(plan, generating, tables)
    finally:
        generating.close()
    manifest = build_manifest(plan, tables.records, checking.results(), usage, timings())
    return Dataset(
        {name: partial(tables.read, name) for name in plan.order},
        manifest | masked,
        rejected=lost_rows(tables.records),
        calls=calls_made(tables.records),
        reused=tables.reused,
    )


def _masked(plan: Plan, generating: Generation, tables: Tables) -> dict[str, Any]:
    """The card of the masking of real files, for the manifest; nothing if there are none."""
    masking = generating.masking
    if masking is None:
        return {}
    from fabula.privacy.masking import Counts  # heavy imports, when needed
    from fabula.privacy.prepared import card_of
    from fabula.privacy.release.making import tell_release

    counts = {}
    for name in masking.sources:
        parts = tables.records[name]
        told = summed(part.masked for part in parts)
        counts[name] = Counts(sum(part.asked for part in parts), **told)
    card = card_of(masking, counts)
    for name, table in card["tables"].items():
        tell_release(table, plan.spec.tables[name].source)
        table["file"] = next((f.name for part in tables.records[name] for f in part.files), None)
    return {"masking": card}


@contextmanager
def interruptible(tracker: Tracker, *, kept: bool) -> Iterator[None]:
    """Say, where the user stops a run, what it leaves, and how to continue."""
    try:
        yield
    except KeyboardInterrupt as exc:
        if kept:
            message, hint = "nothing lost", "run the same command to continue"
        else:
            message = "they were only in memory"
            hint = "give an output folder, so that a run can continue; model replies are kept"
        raise RunInterrupted(
            f"stopped after {tracker.safe:,} rows; {message}", code="run.interrupted", hint=hint
        ) from exc


def _formats(plan: Plan, main: Format) -> dict[str, tuple[Format, ...]]:
    """The file formats of each table, the main one first."""
    return {
        name: (
            main,
            *(
                as_format(extra.format)
                for extra in plan.spec.outputs
                if not extra.is_export
                and extra.format != main
                and (not extra.tables or name in extra.tables)
            ),
        )
        for name in plan.order
    }
