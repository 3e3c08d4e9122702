"""`fabula calibrate`: fits a model's parameters to known totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from fabula.cli.arguments import Count, Positive, Rows
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.cli.simulate import numbers
from fabula.errors import GateError, UsageError

app = new_app()

Bounds = tuple[float, float] | None


def _targets(texts: Sequence[str]) -> dict[str, float]:
    return numbers(texts, "--target")


def _free(texts: Sequence[str]) -> dict[str, Bounds]:
    """`["budget", "level:5..80"]` as bounds by name."""
    found: dict[str, Bounds] = {}
    for text in texts:
        name, colon, bounds = text.partition(":")
        low, _, high = bounds.partition("..")
        try:
            found[name] = (float(low), float(high)) if colon else None
        except ValueError as error:
            raise UsageError(
                f"`--free {text}` is not a parameter and its bounds",
                code="usage.parameter",
                hint=f"write `--free {name or 'NAME'}` or `--free {name or 'NAME'}:0.5..2`",
            ) from error
    return found


@verb(app)
def calibrate(
    talk: Talk,
    model: str,
    *,
    target: Annotated[Mapping[str, float] | None, Read(_targets, many=True)] = None,
    free: Annotated[Mapping[str, Bounds] | None, Read(_free, many=True)] = None,
    n: Rows = None,
    steps: Count | None = None,
    days: Annotated[float | None, typer.Option(min=0)] = None,
    seed: int | None = None,
    seeds: Positive = 4,
    set_: Annotated[Mapping[str, float] | None, "--set", Read(numbers, many=True)] = None,
    tolerance: float = 0.05,
    workers: Positive = 1,
) -> None:
    """Fit parameters of a model of agents to known totals.

    Exits with 1 when a target is not met.

    Options:
        model (FILE): A Python file that makes a `World`.
        target (TOTAL=NUMBER): A total and its known value: `orders`, `orders.total`; repeatable.
        free (NAME[:LOW..HIGH]): A parameter to fit, with its bounds; repeatable.
        n (N|POPULATION=N): Agents, in total or of one population; repeatable.
        steps (N): Steps of each run.
        days (N): Days of each run, instead of steps.
        seed: The first seed.
        seeds (N): Number of runs to average each total over.
        set_ (NAME=NUMBER): Where a parameter starts; repeatable.
        tolerance (SHARE): How far a total may be from its target.
        workers (N): Processes that run the model.
    """
    from fabula.runs.calibration import calibrate as run

    with progress(talk, unit="run") as watch:
        made = run(
            model,
            target or {},
            free or {},
            n,
            steps=steps,
            days=days,
            seed=seed,
            seeds=seeds,
            parameters=set_,
            tolerance=tolerance,
            workers=workers,
            progress=watch,
        )
    talk.say(made.report())
    settings = {**(set_ or {}), **made.parameters}
    words = [f"--set {name}={value:.6g}" for name, value in settings.items()]
    sizes = [f"{name}={size}" for name, size in n.items()] if isinstance(n, Mapping) else [n]
    words += [f"-n {size}" for size in sizes if size]
    words += [f"--{name} {value:g}" for name, value in (("steps", steps), ("days", days)) if value]
    command = f"`fabula simulate {pasted(model)} {' '.join(words)}`"
    if made.missed:
        raise GateError(
            f"{len(made.missed)} of {len(made.targets)} targets are not met:"
            f" {', '.join(made.missed)}",
            code="simulation.target",
            hint=f"free more parameters; to see what the fit gives: {command}",
        )
    talk.hint(f"run the fitted model with {command}")
