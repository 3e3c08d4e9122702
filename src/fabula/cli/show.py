"""`fabula show`: the profile of a data file, a folder of files or a run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import typer

from fabula.cli.arguments import Printed
from fabula.cli.options import verb


@verb()
def show(path: Path, *, form: Printed = "table") -> None:
    """Profile a data file or a run.

    Types, missing and distinct values, and how the values spread.

    Options:
        path: A data file, a folder of them, or a run's folder.
        form: How the profile is printed.
    """
    from fabula.reports.profile import profile
    from fabula.reports.profile_text import profiles_text

    profiles = profile(path)
    if form == "json":
        typer.echo(json.dumps([dataclasses.asdict(item) for item in profiles], default=str))
    else:
        typer.echo(profiles_text(profiles))
