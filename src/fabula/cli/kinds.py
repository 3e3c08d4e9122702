"""`fabula kinds`: lists the column kinds, or shows one with its parameters and an example."""

from __future__ import annotations

from typing import Literal

import typer

from fabula.cli.options import verb


@verb()
def kinds(kind: str | None = None, *, form: Literal["text", "markdown"] = "text") -> None:
    """List the column kinds, or explain one.

    Options:
        kind: The kind to explain.
        form: How all kinds are printed.
    """
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
