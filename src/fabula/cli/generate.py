"""`fabula generate`: the main job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fabula.cli.arguments import (
    MaxCallsOption,
    MaxCostOption,
    MaxTokensOption,
    ModelOption,
    PromptOption,
    ReasoningOption,
    ReviewOption,
    RowsOption,
    SeedOption,
    SpecArgument,
    read_share,
    read_sizes,
    read_spec,
)
from fabula.cli.console import Talk, pasted
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.group import new_app
from fabula.cli.progress import progress
from fabula.errors import CheckError, PartialRunError, UsageError

if TYPE_CHECKING:
    from fabula.spec.tables import DatasetSpec

app = new_app()


@app.command()
def generate(
    ctx: typer.Context,
    spec: SpecArgument,
    *,
    n: RowsOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Folder, or for one table a file, to write to; by default `out/NAME`.",
        ),
    ] = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    prompt: PromptOption = None,
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            metavar="RULE",
            help="Relation of the only table's columns, `price ~ size +`, or a SQL condition on a "
            "row; repeatable.",
        ),
    ] = None,
    reasoning: ReasoningOption = None,
    review: ReviewOption = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="`parquet`, `csv`, `jsonl`, `arrow` or that of a plug-in; by default what the "
            "file's ending says, else `parquet`.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Parts of tables made at the same time.")
    ] = 1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over instead of continuing an earlier run.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another run in the folder.")
    ] = False,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Ask by the provider's batches: half the price, answers within a day. The same "
            "command waits on after it was stopped.",
        ),
    ] = False,
    max_rejects: Annotated[
        str | None,
        typer.Option("--max-rejects", metavar="5%|N", help="Lost rows that are accepted."),
    ] = None,
    max_calls: MaxCallsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
    report: Annotated[
        bool, typer.Option("--report", help="Also write `report.html` into the folder.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the plan and every prompt; call and write nothing."),
    ] = False,
) -> None:
    """Generate data, check it and write it.

    Run the same command again to continue a run that was interrupted or lost rows.
    """
    from fabula import api
    from fabula.inference.check_shorthand import with_checks
    from fabula.io.names import file_stem
    from fabula.reports.plans import plan_text
    from fabula.reports.run_summary import run_text, wrote_line
    from fabula.runs.records import record
    from fabula.spec.tables import with_reasoning

    talk: Talk = ctx.obj
    wanted, sizes = with_checks(read_spec(spec, prompt=prompt), check or ()), read_sizes(n)
    wanted = with_reasoning(wanted, reasoning or "drop")
    if review is not None:
        from fabula.review.notes import with_review

        wanted = with_review(wanted, review)
    if dry_run:
        typer.echo(plan_text(api.plan(wanted, sizes, seed=seed, model=model)))
        print_rehearsal(
            lambda noted: api.rehearse(wanted, sizes, seed=seed, model=model, rehearsal=noted)
        )
        return
    folder = output or Path("out") / file_stem(_name(wanted, spec))
    if folder == Path("-"):
        raise UsageError(
            "a run is written to a folder, not to stdout",
            code="usage.output",
            hint="`fabula preview SPEC -n 100 --format csv` prints rows",
        )
    past = _changed(record(folder, "manifest.json"))
    try:
        with progress(talk, resumes=True) as watch:
            dataset = api.generate(
                wanted,
                sizes,
                seed=seed,
                output=folder,
                model=model,
                format=form,
                workers=workers,
                batch=_batch_teller(talk) if batch else False,
                fresh=fresh,
                overwrite=overwrite,
                report=report,
                max_rejects=read_share(max_rejects),
                max_calls=max_calls,
                max_tokens=max_tokens,
                max_cost=max_cost,
                progress=watch,
            )
    except (CheckError, PartialRunError) as error:
        if error.dataset is not None:
            talk.say(f"{run_text(error.dataset)}\n{wrote_line(error.dataset)}")
        raise
    finished = past is not None and past == _changed(record(folder, "manifest.json"))
    talk.say(run_text(dataset))
    if finished:
        talk.say(f"Nothing to do: `{folder}` holds this run, finished; --fresh makes it again")
    else:
        talk.say(wrote_line(dataset))
    talk.hint(f"look at it with `fabula show {pasted(folder)}`")


def _batch_teller(talk: Talk) -> Callable[[str, int], None]:
    """What says how a batch is getting on, whenever that changes."""
    from fabula.render import amounts

    told: list[str] = []

    def tell(state: str, requests: int) -> None:
        line = f"Batch of {amounts.count(requests, 'request')}: {state.replace('_', ' ')}"
        if told[-1:] != [line]:
            told.append(line)
            talk.say(line)

    return tell


def _changed(path: Path) -> int | None:
    """When a file was written, or None where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _name(wanted: DatasetSpec, argument: str) -> str:
    """The spec's own name; without one the file's."""
    unnamed = type(wanted).model_fields["name"].default
    if wanted.name != unnamed:
        return wanted.name
    path = Path(argument)
    return path.stem if path.suffix and argument != "-" else unnamed
