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
from fabula.cli.dry_run import print_rehearsal
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
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Also print every prompt for language models.")
    ] = False,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the plan is printed.")
    ] = "table",
) -> None:
    """Show what a run would do and cost; nothing is called."""
    from fabula import api
    from fabula.reports.plans import plan_text, plan_values

    wanted, sizes = read_spec(spec, prompt=prompt), read_sizes(n)
    made = api.plan(wanted, sizes, seed=seed, model=model)
    typer.echo(json.dumps(plan_values(made)) if form == "json" else plan_text(made))
    if prompts:
        print_rehearsal(
            lambda noted: api.rehearse(wanted, sizes, seed=seed, model=model, rehearsal=noted)
        )
