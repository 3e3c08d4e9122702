"""`fabula scan`: do files that are to be given away hold values of real people?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from fabula.cli.arguments import read_names
from fabula.cli.group import new_app

app = new_app()


@app.command()
def scan(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A file or folder to search.")],
    *,
    against: Annotated[
        Path,
        typer.Option("--against", metavar="REAL", help="The real data: a file, a folder or a run."),
    ],
    sensitive: Annotated[
        str,
        typer.Option(
            "--sensitive",
            metavar="COLUMNS",
            help="Further real columns to search: `notes,orders.code`.",
        ),
    ] = "",
    every_name: Annotated[
        bool,
        typer.Option("--every-name", help="Count each single first or last name of a real person."),
    ] = False,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the result is printed.")
    ] = "table",
) -> None:
    """Search files for values of real people, in any spelling or encoding.

    Exit code 1 when a value is found. Values are never printed whole.

    Example: `fabula scan masked/ --against customers.csv`
    """
    from fabula.privacy.scan import scan as search

    report = search(output, against=against, sensitive=read_names(sensitive), every_name=every_name)
    if form == "json":
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        typer.echo(report.to_text())
    report.raise_for_leaks()
