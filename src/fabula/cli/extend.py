"""`fabula extend`: more rows for the table in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fabula.cli.arguments import (
    FreshOption,
    MaxCallsOption,
    MaxCostOption,
    MaxTokensOption,
    ModelOption,
    OverwriteOption,
    PromptOption,
    ReviewOption,
    SeedOption,
)
from fabula.cli.console import Talk, pasted
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.group import new_app
from fabula.cli.llm_options import calls_line
from fabula.cli.progress import counted, progress

if TYPE_CHECKING:
    from fabula.augment.extend import ExtendOptions
    from fabula.llm.providers.dry_run import Rehearsal
    from fabula.llm.rows.job import RowsResult

app = new_app()


@app.command()
def extend(
    ctx: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A file, or a run of one table.")],
    *,
    n: Annotated[int, typer.Option("-n", min=0, metavar="N", help="Rows to append.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write; by default `NAME-extended.csv`."),
    ] = None,
    prompt: PromptOption = None,
    review: ReviewOption = None,
    balance: Annotated[
        str | None,
        typer.Option("--balance", metavar="COLUMN", help="Column whose classes end level."),
    ] = None,
    unique: Annotated[
        list[str] | None,
        typer.Option("--unique", metavar="COLUMN", help="Column without repeats; repeatable."),
    ] = None,
    within_range: Annotated[
        bool,
        typer.Option("--within-range", help="Refuse numbers and texts beyond the old ones."),
    ] = False,
    seed: SeedOption = None,
    model: ModelOption = None,
    rows_per_call: Annotated[
        int | None, typer.Option("--rows-per-call", min=1, help="Rows asked at once.")
    ] = None,
    fresh: FreshOption = False,
    overwrite: OverwriteOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every prompt; call and write nothing.")
    ] = False,
    max_calls: MaxCallsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
) -> None:
    """Append rows that fit a table.

    The old rows stay as they are. Ids continue after the largest one; the language model writes
    the rest, shown a sample of the rows, and nothing that it repeats is taken.
    """
    from fabula.augment.extend import beyond_ranges
    from fabula.augment.extend import extend as grow
    from fabula.augment.extend_files import extend_file, longer_name
    from fabula.io.tables import as_table
    from fabula.render import amounts

    talk: Talk = ctx.obj
    target = output or longer_name(data)

    def tell(result: RowsResult) -> None:
        talk.say(calls_line(result))

    wanted: ExtendOptions = {
        "prompt": prompt or "",
        "review": review,
        "balance": balance,
        "unique": unique or (),
        "within_range": within_range,
        "seed": seed or 0,
        "model": model or "local",
        "rows_per_call": rows_per_call,
        "fresh": fresh,
        "max_calls": max_calls,
        "max_tokens": max_tokens,
        "max_cost": max_cost,
        "on_result": tell,
    }
    if dry_run:
        table = as_table(data)

        def go_through(noted: Rehearsal) -> None:
            wanted["rehearsal"] = noted
            del wanted["on_result"]
            grow(table, n, **wanted)

        print_rehearsal(go_through)
        return
    with progress(talk) as watch:
        wanted["progress"] = counted(watch, data.stem, n)
        longer = extend_file(data, n, target, overwrite=overwrite, **wanted)
    old = amounts.count(longer.num_rows - n, "row")
    talk.say(f"Wrote `{target}` ({old} and {n:,} new)")
    for note in beyond_ranges(longer, n):
        talk.say(f"{note}; `--within-range` refuses such values")
    talk.hint(f"look at it with `fabula show {pasted(target)}`")
