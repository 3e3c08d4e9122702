"""`fabula kinds`: the column kinds, or one of them with its parameters and an example."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fabula.cli.group import new_app

app = new_app()


@app.command()
def kinds(
    kind: Annotated[str | None, typer.Argument(help="The kind to explain.")] = None,
    *,
    form: Annotated[
        Literal["text", "markdown"], typer.Option("--format", help="How all kinds are printed.")
    ] = "text",
) -> None:
    """List the column kinds, or explain one."""
    from fabula.errors import UsageError, did_you_mean
    from fabula.kinds import KINDS
    from fabula.reports import catalogue

    if kind is None:
        typer.echo(catalogue.kinds_text() if form == "text" else catalogue.kinds_markdown())
        return
    if kind not in KINDS:
        raise UsageError(
            f"column kind `{kind}` does not exist",
            code="usage.unknown-kind",
            hint=did_you_mean(kind, KINDS) or f"`fabula kinds` lists all {len(KINDS)}",
        )
    typer.echo(catalogue.kind_text(kind))
