"""`fabula doctor`: what works on this machine."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from fabula.cli.group import new_app

app = new_app()


@app.command()
def doctor(
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How findings are printed.")
    ] = "table",
) -> None:
    """Tell what works on this machine, and how to fix what does not.

    Marks: ok works, -- is off, !! is wrong.
    """
    from fabula.reports.doctor import examine

    findings = examine()
    if form == "json":
        typer.echo(json.dumps([vars(finding) for finding in findings]))
    else:
        typer.echo("\n".join(map(str, findings)))
    if any(finding.state == "!!" for finding in findings):
        raise typer.Exit(3)
