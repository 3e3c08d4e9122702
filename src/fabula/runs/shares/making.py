"""Makes one share of a run, in a folder of its own; checks that need all rows come at the merge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fabula.checks.contradictions import possible
from fabula.checks.results import CheckResults
from fabula.engines.generation import Generation
from fabula.errors import UsageError
from fabula.io.formulas import escaping_formulas
from fabula.planning.plan import Plan
from fabula.runs.dataset import Dataset
from fabula.runs.execute import OpenModel, interruptible, open_folder
from fabula.runs.exit_rules import lost_too_many, raise_verdict
from fabula.runs.fingerprint import fingerprint, identity, versions
from fabula.runs.folder import RunFolder
from fabula.runs.manifest import build_manifest, lost_rows, stopwatch, tell_formulas
from fabula.runs.options import RunOptions
from fabula.runs.progress import Tracker
from fabula.runs.shares.record import Asked, ShareRecord
from fabula.runs.shares.share import SHARE, Share, first_tables, shares_of
from fabula.runs.tables import Tables


def execute_share(
    plan: Plan,
    share: Share,
    options: RunOptions,
    *,
    output: Path,
    asked: Asked,
    open_model: OpenModel | None = None,
) -> Dataset:
    """Make a share's parts of every table, and return the rows that it has.

    Raises:
        SpecError: Checks contradict each other, or the columns.
        UsageError: There is no such share, or share 0 comes first.
        SinkError: The share's folder holds something else, is in use, or can't be written.
        PartialRunError: More rows were lost than `max_rejects`; the same call continues.
        RunInterrupted: The user stopped the run; the same call continues.
    """
    possible(plan)
    run = identity(plan, options.file_format, escape_formulas=options.escape_formulas)
    check_turn(plan, share, output, run)
    mine = {**run, "fingerprint": fingerprint([run["fingerprint"], str(share)])}
    tracker = Tracker(options.progress)
    with interruptible(tracker, kept=True):
        folder = open_folder(plan, share.folder(output), options, mine)
        tracker.resume(folder.answered(), folder.note_answered)
        try:
            past = ShareRecord.read(folder.path)
            if past and (options.fresh or past.run != run or past.share != share):
                (folder.path / SHARE).unlink()  # what it tells of is gone
                past = None
            with escaping_formulas(options.escape_formulas):
                dataset, record = _make(
                    plan, share, folder, tracker, options, past=past, open_model=open_model
                )
            ShareRecord(share.number, share.of, run, versions(), asked, **record).write(folder.path)
        finally:
            folder.close()
    tell_formulas(dataset.manifest, escaped=options.escape_formulas)
    raise_verdict(dataset, options.max_rejects, plan.spec.source)
    return dataset


def check_turn(plan: Plan, share: Share, output: Path, run: Mapping[str, Any]) -> None:
    """Make sure that it is the share's turn.

    Raises:
        UsageError: There is no such share, or share 0 is not done.
    """
    first = Share(0, share.of)
    if first not in shares_of(plan, share.of):
        if share.number:
            return
        raise UsageError(
            "there is no share 0: no row of this spec depends on rows that a model fills",
            code="usage.blocks",
            hint=f"the shares are `--blocks 1/{share.of}` to `{share.of}/{share.of}`",
        )
    done = ShareRecord.read(first.folder(output))
    if share.number and (done is None or done.run["fingerprint"] != run["fingerprint"]):
        names = ", ".join(f"`{name}`" for name in sorted(first_tables(plan)))
        what = f"the rows of {names}" if names else "functions"
        state = "is not there" if done is None else "is of another spec"
        raise UsageError(
            f"share {first} {state}; models write {what} there, which all other shares use",
            code="share.first",
            where=str(first.folder(output)),
            hint=f"run the same command with `--blocks {first}` first",
        )


def _make(
    plan: Plan,
    share: Share,
    folder: RunFolder,
    tracker: Tracker,
    options: RunOptions,
    *,
    past: ShareRecord | None,
    open_model: OpenModel | None,
) -> tuple[Dataset, dict[str, Any]]:
    """Make what the share lacks; returns its rows, and what its record tells."""
    timings = stopwatch()
    if past:
        lossy = {part.table for part in past.parts if part.rejected}
        lost = sum(len(part.rejected) for part in past.parts)
        asked = sum(part.asked for part in past.parts)
        counts = {"tables": {"": {"rejected": lost, "requested": asked}}}
        if lost_too_many(counts, options.max_rejects):
            (folder.path / SHARE).unlink()
            folder.reopen(plan.building_on(lossy))
    generating = Generation(plan, open_model=open_model, on_rows=tracker.answered)
    try:
        tables = Tables(generating.makers, folder, tracker, options.workers)
        parts = {name: share.parts(plan, tables.layout(name)) for name in plan.order}
        for name, some in parts.items():
            tables.make(name, some)
        usage = generating.usage()
    finally:
        generating.close()
    records = {name: made for name, made in tables.records.items() if made}
    manifest = build_manifest(plan, records, CheckResults(), usage, timings())
    dataset = Dataset(
        {name: partial(folder.read_parts, tables.layout(name), parts[name]) for name in records},
        {**manifest, "share": str(share)},
        rejected=lost_rows(records),
        folder=folder.path,
        reused=tables.reused,
        schemas={name: plan[name].schema for name in records},
    )
    return dataset, {
        "parts": tuple(part for made in records.values() for part in made),
        "models": manifest["models"],
        "timings": manifest["timings"],
    }
