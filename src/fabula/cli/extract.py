"""`fabula extract`: typed rows out of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fabula.cli.arguments import (
    FreshOption,
    MaxCallsOption,
    MaxCostOption,
    MaxTokensOption,
    ModelOption,
    OverwriteOption,
)
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.llm_options import AttemptsOption, DryRunOption, calls_line, show_prompts
from fabula.cli.progress import counted, progress

app = new_app()


@app.command()
def extract(
    ctx: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="CSV, JSON Lines, Parquet …")],
    *,
    schema: Annotated[
        str,
        typer.Option(
            "--schema",
            metavar="SCHEMA",
            help="`name str, films list[str], year int?`, `module:Class`, or a JSON Schema's file.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write; by default `NAME-extracted.csv`."),
    ] = None,
    many: Annotated[
        bool, typer.Option("--many", help="Any number of objects in each text.")
    ] = False,
    column: Annotated[
        str, typer.Option("--column", metavar="NAME", help="Column of the texts.")
    ] = "",
    instructions: Annotated[
        str, typer.Option("--instructions", metavar="TEXT", help="A further demand in words.")
    ] = "",
    dry_run: DryRunOption = False,
    model: ModelOption = None,
    attempts: AttemptsOption = 3,
    fresh: FreshOption = False,
    overwrite: OverwriteOption = False,
    max_calls: MaxCallsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
) -> None:
    """Take typed values out of texts, one row an object.

    `row` says which text a row is from; a text that gave nothing valid has a row with `error`.

    Examples: `fabula extract bios.csv --schema 'name str, films list[str]'`;
    `fabula extract notes.jsonl --schema shop.models:Order --many -o orders.parquet`
    """
    from fabula.describing.extract import prompts_of
    from fabula.describing.files import beside, extract_file
    from fabula.render import amounts

    talk: Talk = ctx.obj
    prompts = prompts_of(data, schema, many=many, column=column, instructions=instructions)
    if dry_run:
        show_prompts(talk, prompts, model or "local")
        return
    target = output or beside(data, "extracted")
    with progress(talk) as watch:
        made = extract_file(
            data,
            schema,
            target,
            overwrite=overwrite,
            many=many,
            column=column,
            instructions=instructions,
            model=model or "local",
            attempts=attempts,
            fresh=fresh,
            max_calls=max_calls,
            max_tokens=max_tokens,
            max_cost=max_cost,
            progress=counted(watch, data.stem, len(prompts)),
            on_result=lambda result: talk.say(calls_line(result)),
        )
    talk.say(f"Wrote `{target}` (from {amounts.count(len(made), 'text')})")
    talk.hint(f"look at it with `fabula show {pasted(target)}`")
