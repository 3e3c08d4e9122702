"""`fabula validate`: is a spec coherent, and does data keep its checks?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from fabula.cli.arguments import SpecArgument, read_spec
from fabula.cli.group import new_app

app = new_app()


@app.command()
def validate(
    spec: SpecArgument,
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data to check: a run's folder, a folder, a file.")
    ] = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the verdict is printed.")
    ] = "table",
) -> None:
    """Tell whether a spec is coherent, or whether data keeps its checks."""
    from fabula import api
    from fabula.reports import amounts
    from fabula.reports.outcomes import checks_text

    wanted = read_spec(spec)
    results = api.validate(wanted, data)
    if form == "json":
        typer.echo(json.dumps(results.to_dict(), default=str))
    elif data is None:
        columns = sum(len(table.columns) for table in wanted.tables.values())
        checks = sum(len(table.checks) for table in wanted.tables.values())
        parts = [amounts.count(len(wanted.tables), "table"), amounts.count(columns, "column")]
        typer.echo(f"`{spec}` is coherent: {', '.join(parts)}, {amounts.count(checks, 'check')}")
    else:
        typer.echo(checks_text(results))
    broken = results.error()
    if broken:
        raise broken
