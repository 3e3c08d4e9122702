"""`fabula plan`: what a run would make, ask and cost."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from fabula.cli.arguments import (
    ModelOption,
    PromptOption,
    RowsOption,
    SeedOption,
    SpecArgument,
    read_sizes,
    read_spec,
)
from fabula.cli.group import new_app

app = new_app()


@app.command()
def plan(
    spec: SpecArgument,
    *,
    n: RowsOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    prompt: PromptOption = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the plan is printed.")
    ] = "table",
) -> None:
    """Show what a run would do and cost; nothing is called."""
    from fabula import api
    from fabula.reports.plans import plan_text, plan_values

    made = api.plan(read_spec(spec, prompt=prompt), read_sizes(n), seed=seed, model=model)
    typer.echo(json.dumps(plan_values(made)) if form == "json" else plan_text(made))
