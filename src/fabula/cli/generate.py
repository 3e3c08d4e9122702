"""`fabula generate`: generates the data of a spec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

import typer

from fabula.cli.arguments import (
    CallLimits,
    Loads,
    Output,
    Planned,
    Positive,
    Rows,
    SpecArgument,
    Words,
    read_share,
    read_spec,
)
from fabula.cli.console import Talk, look_at, pasted
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import CheckError, PartialRunError, UsageError

if TYPE_CHECKING:
    from fabula.spec.tables import DatasetSpec


class Generating(Planned, CallLimits, Loads, total=False):
    """How a run is made.

    Options:
        format (FORMAT): `parquet`, `csv`, `jsonl`, `arrow` or a plug-in's format; by default what
            the file's ending says, else `parquet`.
        workers: Parts of tables to generate in parallel; 1 by default.
        fresh: Start over instead of continuing an earlier run.
        overwrite: Replace another run in the folder.
        executor: `ray` makes the parts on the workers of a Ray cluster.
        address (HOST:PORT): Address of the cluster, `host:6379` or `auto`; by default the one that
            RAY_ADDRESS names, else a cluster of `--workers` that is started here.
        blocks (I/N): Share I of N of the run, from 1 on, in the folder; `fabula merge` puts them
            together.
        max_rejects (5%|N): Lost rows that are accepted.
        report: Also write `report.html` into the folder.
    """

    format: str
    workers: Positive
    fresh: bool
    overwrite: bool
    executor: Literal["local", "ray"]
    address: str
    blocks: str
    max_rejects: Annotated[float, Read(read_share)]
    report: bool


@verb()
def generate(
    talk: Talk,
    spec: SpecArgument,
    *,
    n: Rows = None,
    output: Output = None,
    prompt: str | None = None,
    check: Words = (),
    reasoning: Literal["keep"] | None = None,
    review: Path | None = None,
    key_file: Path | None = None,
    batch: bool = False,
    dry_run: bool = False,
    **made: Unpack[Generating],
) -> None:
    """Generate data, check it and write it.

    To continue a run that was interrupted or lost rows, run the same command again.

    Options:
        n (N|TABLE=N): Rows, in total or of one table; repeatable.
        output (PLACE): Folder, or for one table a file, to write to; by default `out/NAME`. Or one
            destination for all tables: a file such as `shop.sqlite`, or a database's address.
        prompt (TEXT): What the rows are about, for the model.
        check (RULE): Relation of the only table's columns, `price ~ size +`, or a SQL condition on
            a row; repeatable.
        reasoning: Keep the model's reasoning in a column `reasoning`.
        review (FILE): Notes from `fabula review import` for the model: comments and approved rows.
        key_file (FILE): Key for replacing the people of real files; by default that of
            FABULA_KEY_FILE, else a key that is discarded.
        batch: Use the provider's batch API: half the price, replies within a day. If interrupted,
            the same command continues to wait.
        dry_run: Show the plan and every prompt; call and write nothing.
    """
    from fabula import api
    from fabula.inference.check_shorthand import with_checks
    from fabula.io.destinations import destination_of
    from fabula.io.names import file_stem
    from fabula.runs.records import record
    from fabula.runs.summary import loaded_lines, run_text, wrote_line
    from fabula.spec.tables import with_reasoning

    wanted = with_checks(read_spec(spec, prompt=prompt), check)
    wanted = with_reasoning(wanted, reasoning or "drop")
    if review is not None:
        from fabula.review.notes import with_review

        wanted = with_review(wanted, review)
    if dry_run:
        planned: Any = {name: made.get(name) for name in ("seed", "model")}
        typer.echo(api.plan(wanted, n, **planned).report())
        print_rehearsal(lambda noted: api.rehearse(wanted, n, rehearsal=noted, **planned))
        return
    folder = Path(output or Path("out") / file_stem(_name(wanted, spec)))
    target = None if output is None else destination_of(output)
    if folder == Path("-"):
        raise UsageError(
            "a run is written to a folder, not to stdout",
            code="usage.output",
            hint="`fabula preview SPEC -n 100 --format csv` prints rows",
        )
    past = None if target else _changed(record(folder, "manifest.json"))
    try:
        with progress(talk, resumes=True) as watch:
            dataset = api.generate(
                wanted,
                n,
                output=output if target else folder,
                key_file=key_file,
                batch=_batch_teller(talk) if batch else False,
                progress=watch,
                **made,
            )
    except (CheckError, PartialRunError) as error:
        if error.dataset is not None:
            talk.say(f"{run_text(error.dataset)}\n{wrote_line(error.dataset)}")
        raise
    if "share" in dataset.manifest:
        talk.say(f"{run_text(dataset)}\n{wrote_line(dataset)}")
        talk.hint(f"when all shares are done: `fabula merge {pasted(folder)}`")
        return
    finished = past is not None and past == _changed(record(folder, "manifest.json"))
    talk.say(run_text(dataset))
    if card := dataset.manifest.get("masking"):
        from fabula.reports.maskings import done_lines

        talk.say("\n".join(done_lines(card)))
    if finished:
        talk.say(f"Nothing to do: `{folder}` holds this run, finished; --fresh makes it again")
    else:
        talk.say(wrote_line(dataset))
    if target:
        talk.say("\n".join(loaded_lines(dataset.manifest["destination"])))
    sources = [table.source for table in wanted.tables.values()]
    if any(source is not None and source.is_release for source in sources):
        talk.hint(f"measure the release with `fabula evaluate {pasted(dataset.folder)} --gate`")
    elif target is None or target.is_shown:
        page = "" if made.get("report") or target else "; `--report` adds a page to send"
        talk.hint(look_at(dataset.folder, is_page=target is None) + page)


def _batch_teller(talk: Talk) -> Callable[[str, int], None]:
    """Reports a batch's state whenever it changes."""
    from fabula.render import amounts

    told: list[str] = []

    def tell(state: str, requests: int) -> None:
        line = f"Batch of {amounts.count(requests, 'request')}: {state.replace('_', ' ')}"
        if told[-1:] != [line]:
            told.append(line)
            talk.say(line)

    return tell


def _changed(path: Path) -> int | None:
    """When a file was written, or None if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _name(wanted: DatasetSpec, argument: str) -> str:
    """The spec's name, else the file's."""
    unnamed = type(wanted).model_fields["name"].default
    if wanted.name != unnamed:
        return wanted.name
    path = Path(argument)
    return path.stem if path.suffix and argument != "-" else unnamed
