"""Runs a plan: makes every table, checks it, writes it, and says what happened to it.

Stages 3 to 5 of 6. Takes a `Plan`, returns a `Dataset`. With an output folder the run can be
killed at any moment: the same command then makes only what is missing, to the same bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fabula.checks.contradictions import impossible_rules
from fabula.engines.generation import Generation
from fabula.errors import RunInterrupted, SpecError
from fabula.io.formats import Format, as_format
from fabula.io.formulas import escaping_formulas
from fabula.llm.client.chat import ChatModel
from fabula.planning.outputs import output_files
from fabula.planning.plan import Plan
from fabula.runs.checking import Checking
from fabula.runs.dataset import Dataset
from fabula.runs.exit_rules import Limit, lost_too_many, raise_verdict
from fabula.runs.fingerprint import identity
from fabula.runs.folder import RunFolder
from fabula.runs.manifest import build_manifest, lost_rows, stopwatch, tell_formulas
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

OpenModel = Callable[[str | ModelSpec], ChatModel]


def execute(
    plan: Plan,
    options: RunOptions = DEFAULT,
    *,
    output: PathLike | None = None,
    open_model: OpenModel | None = None,
    generation: Callable[[Tracker], Generation] | None = None,
) -> Dataset:
    """Run a plan and return what it made, in memory or in the folder `output`.

    A `generation` takes the place of the plan's own engines.

    Raises:
        SpecError: Checks contradict each other, or the columns.
        SinkError: The folder holds something else, is in use, or can't be written.
        CheckError: A check does not hold; the data stays where it was written.
        PartialRunError: More rows were lost than `max_rejects`; the same call continues.
        RunInterrupted: The user stopped the run; the same call continues.
    """
    problems = impossible_rules(plan)
    if problems:
        raise SpecError(plan.spec.source.located(problems))
    tracker = Tracker(options.progress)

    def make(store: Store) -> Dataset:
        engines = (
            Generation(plan, open_model=open_model, on_rows=tracker.answered)
            if generation is None
            else generation(tracker)
        )
        return _make(plan, engines, store, tracker, options.workers)

    try:
        with span("fabula.run", seed=plan.seed, tables=len(plan.tables)) as note:
            if output is None:
                dataset = make(MemoryStore())
            else:
                dataset = _into_folder(plan, Path(output), options, tracker, make)
            note(passed=dataset.manifest["passed"], rejected=len(dataset.rejected))
    except KeyboardInterrupt as exc:
        raise _interrupted(tracker, kept=output is not None) from exc
    if dataset.reused < sum(table["written"] for table in dataset.manifest["tables"].values()):
        count_run(dataset.manifest)
    tell_formulas(dataset.manifest, escaped=options.escape_formulas)
    raise_verdict(dataset, options.max_rejects, plan.spec.source)
    return dataset


def _into_folder(
    plan: Plan,
    output: Path,
    options: RunOptions,
    tracker: Tracker,
    make: Callable[[Store], Dataset],
) -> Dataset:
    """Make what a run's folder still lacks, and open it."""
    main, escape = options.file_format, options.escape_formulas
    folder = RunFolder(
        output,
        identity(plan, main, escape_formulas=escape),
        _formats(plan, main),
        fresh=options.fresh,
        overwrite=options.overwrite,
        also=output_files(plan.spec),
        escape_formulas=escape,
    )
    tracker.resume(folder.answered(), folder.note_answered)
    try:
        with escaping_formulas(escape):
            reused = _go_on(plan, folder, make, options.max_rejects)
    finally:
        folder.close()
    schemas = {table.name: table.schema for table in plan.tables}
    return Dataset.open(output, schemas=schemas, reused=reused, trusted=True)


def _go_on(plan: Plan, folder: RunFolder, make: Callable[[Store], Dataset], limit: Limit) -> int:
    """Make what a run folder still lacks; returns the number of rows that it had already."""
    past = folder.manifest
    if past and not lost_too_many(past, limit):
        folder.check_files()
        logger.info("`%s` holds this run, finished", folder.path)
        return sum(table["written"] for table in past["tables"].values())
    if past:
        folder.reopen(_stale(plan, past))
    made = make(folder)
    manifest = dict(made.manifest)
    if outputs := write_outputs(plan, made, folder.path):
        manifest["outputs"] = outputs
        folder.note_files(output_files(plan.spec))
    forget = not lost_too_many(manifest, limit)
    folder.finish(manifest, made.rejected, output_files(plan.spec), forget=forget)
    return made.reused


def _make(
    plan: Plan, generating: Generation, store: Store, tracker: Tracker, workers: int
) -> Dataset:
    """Make the tables and check them."""
    timings = stopwatch()
    try:
        tables = Tables(generating.makers, store, tracker, workers)
        checking = Checking(plan, tables)
        for name in plan.order:
            tables.make(name)
            checking.after(name)
        usage, masked = generating.usage(), _masked(plan, generating, tables)
    finally:
        generating.close()
    manifest = build_manifest(plan, tables.records, checking.results(), usage, timings())
    return Dataset(
        {name: partial(tables.read, name) for name in plan.order},
        manifest | masked,
        rejected=lost_rows(tables.records),
        reused=tables.reused,
    )


def _masked(plan: Plan, generating: Generation, tables: Tables) -> dict[str, Any]:
    """The card of the masking of real files, for the manifest; nothing where there are none."""
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


def _interrupted(tracker: Tracker, *, kept: bool) -> RunInterrupted:
    """The error that says what a stopped run leaves, and how to continue."""
    if kept:
        message, hint = "nothing lost", "run the same command to continue"
    else:
        message = "they were only in memory"
        hint = "give an output folder, so that a run can continue; model replies are kept"
    return RunInterrupted(
        f"stopped after {tracker.safe:,} rows; {message}", code="run.interrupted", hint=hint
    )


def _stale(plan: Plan, manifest: Mapping[str, Any]) -> set[str]:
    """Tables that lost rows, and those that build on them: they are made again."""
    stale: set[str] = set()
    for table in plan.tables:
        parents = {link.parent for link in table.references.values()}
        if manifest["tables"][table.name]["rejected"] or parents & stale:
            stale.add(table.name)
    return stale


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
