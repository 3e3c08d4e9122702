"""`fabula simulate`: a model of agents, and its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fabula.cli.arguments import Count, Rows
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import UsageError

app = new_app()


def _numbers(texts: Sequence[str]) -> dict[str, float]:
    """`["price=1.2"]` by name."""
    numbers: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            numbers[name.strip()] = float(number)
        except ValueError as error:
            raise UsageError(
                f"`--set {text}` is not a parameter and its number",
                code="usage.parameter",
                hint=f"write `--set {name or 'NAME'}=1.5`",
            ) from error
    return numbers


@verb(app)
def simulate(
    talk: Talk,
    model: str,
    *,
    n: Rows = None,
    steps: Count | None = None,
    days: Annotated[float | None, typer.Option(min=0)] = None,
    output: Path | None = None,
    seed: int | None = None,
    set_: Annotated[Mapping[str, float] | None, "--set", Read(_numbers, many=True)] = None,
    form: Literal["parquet", "csv", "jsonl", "arrow"] = "parquet",
    fresh: bool = False,
    overwrite: bool = False,
) -> None:
    """Run a model of agents and keep its tables.

    The model is a Python file, and runs as such. Run the same command again to continue a run
    that was interrupted.

    Options:
        model (FILE): A Python file that makes a `World`: `shop.py`, or `shop.py:NAME`.
        n (N|POPULATION=N): Agents, in all or of one population; repeatable.
        steps (N): Steps to make; by default as many as the model says.
        days (N): Days to simulate, instead of steps.
        output: Folder to write to; by default `out/NAME`.
        seed: Seed; overrides the model's.
        set_ (NAME=NUMBER): Parameter of the model; repeatable.
        form (FORMAT): `parquet`, `csv`, `jsonl` or `arrow`.
        fresh: Start over instead of continuing an earlier run.
        overwrite: Replace another run in the folder.
    """
    from fabula.io.names import file_stem
    from fabula.runs.simulation import simulate as run
    from fabula.runs.simulation import told
    from fabula.runs.summary import wrote_line
    from fabula.simulation.model_files import load_world

    world = load_world(model, set_)
    folder = output or Path("out") / file_stem(world.name)
    given: dict[str, Any] = {"steps": steps, "days": days, "seed": seed, "format": form}
    with progress(talk, resumes=True, unit="step") as watch:
        dataset = run(
            world, n, output=folder, fresh=fresh, overwrite=overwrite, progress=watch, **given
        )
    if dataset.reused:
        talk.say(f"Nothing to do: `{folder}` holds this run, finished; --fresh makes it again")
    else:
        talk.say(told(dataset))
        talk.say(wrote_line(dataset))
    talk.hint(f"look at it with `fabula show {pasted(folder)}`")
