"""`fabula runs`: runs by their folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from fabula.cli.group import new_app
from fabula.cli.verbs import VERBS

app = new_app(help=VERBS["runs"])

Form = Annotated[Literal["table", "json"], typer.Option("--format", help="How it is printed.")]


@app.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = Path(),
    form: Form = "table",
) -> None:
    """List the runs in a folder and its subfolders."""
    from fabula.reports.runs import find_runs, runs_text

    runs = find_runs(folder)
    if form == "json":
        typer.echo(json.dumps([run.to_dict() for run in runs]))
    else:
        typer.echo(runs_text(runs) or f"no runs below `{folder}`")


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="The run's folder.")], form: Form = "table"
) -> None:
    """Show how a run ended: tables, checks, models, files."""
    from fabula.reports.run_summary import record_text
    from fabula.runs.dataset import Dataset

    dataset = Dataset.open(folder)
    typer.echo(json.dumps(dataset.manifest) if form == "json" else record_text(dataset))
