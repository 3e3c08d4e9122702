"""`fabula show`: the profile of a data file, a folder of files or a run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from fabula.cli.group import new_app

app = new_app()


@app.command()
def show(
    path: Annotated[Path, typer.Argument(help="A data file, a folder of them, or a run's folder.")],
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the profile is printed.")
    ] = "table",
) -> None:
    """Profile a data file or a run.

    Types, missing and distinct values, and how the values spread.
    """
    from fabula.reports.profile import profile
    from fabula.reports.profile_text import profiles_text

    profiles = profile(path)
    if form == "json":
        typer.echo(json.dumps([dataclasses.asdict(item) for item in profiles], default=str))
    else:
        typer.echo(profiles_text(profiles))
