"""`fabula export`: a table as a set to train a model with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fabula.cli.arguments import SeedOption, read_shares
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app

app = new_app()


@app.command()
def export(
    ctx: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A file, or a run of one table.")],
    *,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="File to write, or with --split a folder."),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="`chat-jsonl`, `completion-jsonl`, `alpaca`, `sharegpt`, `preference`, or a file "
            "format: `csv`, `parquet`, `jsonl`, `arrow`; by default `chat-jsonl`, or the format "
            "of the rows as they are that another file's ending names.",
        ),
    ] = "",
    user: Annotated[
        str,
        typer.Option(
            "--user",
            metavar="COLUMN|TEMPLATE",
            help="What the user says: a column, or '{{ product }}, {{ category }}'; without it and "
            "`--assistant`, the conversations in `messages` or `conversations` are written.",
        ),
    ] = "",
    assistant: Annotated[
        list[str] | None,
        typer.Option(
            "--assistant",
            metavar="COLUMN|TEMPLATE",
            help="What the assistant answers; repeatable for `preference`.",
        ),
    ] = None,
    system: Annotated[
        str, typer.Option("--system", metavar="TEXT", help="What the system says first.")
    ] = "",
    score: Annotated[
        list[str] | None,
        typer.Option(
            "--score", metavar="COLUMN", help="Grade of an answer, for `preference`; repeatable."
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="train=0.9,test=0.1", help="Files with these shares."),
    ] = None,
    stratify: Annotated[
        str, typer.Option("--stratify", metavar="COLUMN", help="Column with equal shares in each.")
    ] = "",
    seed: SeedOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files to write.")
    ] = False,
) -> None:
    """Write a table as a set to train a model with.

    No input is in two parts of a split. `fabula validate FILE.jsonl` checks the result.
    """
    from fabula.training.export import export as write
    from fabula.training.summary import export_text

    talk: Talk = ctx.obj
    written = write(
        data,
        output,
        format=form,
        user=user,
        assistant=assistant or (),
        system=system,
        score=score or (),
        split=read_shares(split),
        stratify=stratify,
        seed=seed or 0,
        overwrite=overwrite,
    )
    talk.say(export_text(written))
    training = written.tokens is not None
    look = "check it with `fabula validate" if training else "look at it with `fabula show"
    talk.hint(f"{look} {pasted(written.files[0].path)}`")
