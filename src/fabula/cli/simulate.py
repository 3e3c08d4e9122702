"""`fabula simulate`: runs a model of agents and writes its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fabula.cli.arguments import Count, Output, Positive, Rows
from fabula.cli.console import Talk, look_at
from fabula.cli.group import new_app
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import UsageError

app = new_app()


def numbers(texts: Sequence[str], option: str = "--set") -> dict[str, float]:
    """`["price=1.2"]` by name."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError as error:
            raise UsageError(
                f"`{option} {text}` is not a parameter and its number",
                code="usage.parameter",
                hint=f"write `{option} {name or 'NAME'}=1.5`",
            ) from error
    return found


def _named(texts: Sequence[str], option: str) -> dict[str, dict[str, float]]:
    """`["low:price=0.9,level=2"]` as parameters by their name."""
    made: dict[str, dict[str, float]] = {}
    for text in texts:
        name, colon, parameters = text.partition(":")
        if not (name and colon) or name in made:
            raise UsageError(
                f"`{option} {text}` " + ("is given twice" if name in made else "names nothing"),
                code="usage.scenario",
                hint=f"write `{option} now: {option} low:price=0.9`",
            )
        made[name] = numbers(parameters.split(",") if parameters.strip() else [], option)
    return made


def _scenarios(texts: Sequence[str]) -> dict[str, dict[str, float]]:
    return _named(texts, "--scenario")


def _regions(texts: Sequence[str]) -> dict[str, dict[str, float]]:
    return _named(texts, "--region")


def _replicate(talk: Talk, model: str, output: Path | str | None, **given: Any) -> None:
    from fabula.io.names import file_stem
    from fabula.runs.replicates import replicate
    from fabula.simulation.model_files import file_of

    folder = output or Path("out") / file_stem(file_of(model)[0].stem)
    with progress(talk, resumes=True, unit="run") as watch:
        made = replicate(model, output=folder, progress=watch, **given)
    talk.say(made.report())
    if given["blocks"]:
        talk.hint("when all shares are done, the same command without `--blocks` has all totals")
        return
    talk.hint(f"each run has a folder in `{folder}`; their totals: `{folder}/totals.parquet`")


def _model(talk: Talk, model: str | None, example: str | None) -> str:
    """The file of the model that is meant."""
    from fabula.simulation.model_files import copy_of_ready_model, ready_models

    if (model is None) == (example is None):
        raise UsageError(
            "give a model's file, or `--example` and a name",
            code="usage.arguments",
            hint=f"ready models are {', '.join(ready_models())}: `fabula simulate --example store`",
        )
    if example is None:
        return str(model)
    path, is_new = copy_of_ready_model(example)
    if is_new:
        talk.say(f"Wrote `{path}`: change it, and run it with `fabula simulate {path}`")
    return str(path)


@verb(app)
def simulate(
    talk: Talk,
    model: str | None = None,
    *,
    example: str | None = None,
    n: Rows = None,
    steps: Count | None = None,
    days: Annotated[float | None, typer.Option(min=0)] = None,
    output: Output = None,
    seed: int | None = None,
    set_: Annotated[Mapping[str, float] | None, "--set", Read(numbers, many=True)] = None,
    form: Literal["parquet", "csv", "jsonl", "arrow"] = "parquet",
    replicates: Positive | None = None,
    scenario: Annotated[
        Mapping[str, Mapping[str, float]] | None, Read(_scenarios, many=True)
    ] = None,
    region: Annotated[Mapping[str, Mapping[str, float]] | None, Read(_regions, many=True)] = None,
    workers: Positive = 1,
    executor: Literal["local", "ray"] = "local",
    address: str | None = None,
    blocks: str | None = None,
    fresh: bool = False,
    overwrite: bool = False,
    report: bool = False,
) -> None:
    """Run a model of agents and keep its tables.

    The model is a Python file and runs unsandboxed. To continue an interrupted run, run the same
    command again. `--example` copies a ready model to the current folder and runs it.

    Options:
        model (FILE): A Python file that makes a `World`: `shop.py`, or `shop.py:NAME`.
        example (NAME): A ready model instead of a file: `store`, `payments`, `hospital`, `support`,
            `website` or `epidemic`.
        n (N|POPULATION=N): Agents, in total or of one population; repeatable.
        steps (N): Number of steps; by default the model's.
        days (N): Days to simulate, instead of steps.
        output (FOLDER): Folder to write to; by default `out/NAME`.
        seed: Seed; overrides the model's.
        set_ (NAME=NUMBER): Parameter of the model; repeatable.
        form (FORMAT): `parquet`, `csv`, `jsonl` or `arrow`.
        replicates (N): Runs under N seeds, from `--seed` on, with a folder each.
        scenario (NAME:PARAMETER=NUMBER,…): Replicate the model with these parameters, under
            the same chance as the other scenarios; repeatable.
        region (NAME:PARAMETER=NUMBER,…): Run the model once for each region, with these
            parameters and a chance of its own, into one dataset; repeatable.
        workers (N): Processes that make replicates or regions.
        executor: `ray` makes them on the workers of a Ray cluster.
        address (HOST:PORT): Address of the cluster; by default the one that RAY_ADDRESS names, else
            a cluster of `--workers` that is started here.
        blocks (I/N): Share I of N of the replicates, from 1 on; the same command without it then
            collects the totals.
        fresh: Start over instead of continuing an earlier run.
        overwrite: Replace another run in the folder.
        report: Write `report.html` next to the tables, with charts over time.
    """
    from fabula.io.names import file_stem
    from fabula.runs.regions import simulate_regions
    from fabula.runs.simulation import simulate as run
    from fabula.runs.simulation import told
    from fabula.runs.summary import wrote_line
    from fabula.simulation.model_files import file_of, load_world

    model = _model(talk, model, example)
    if replicates is not None or scenario:
        if report or region:
            raise UsageError(
                f"{'--report' if report else '--region'} is for a single run",
                code="usage.option",
                hint="leave it out, or leave --replicates and --scenario out",
            )
        _replicate(
            talk,
            model,
            output,
            n=n,
            steps=steps,
            days=days,
            seed=seed,
            parameters=set_,
            format=form,
            fresh=fresh,
            overwrite=overwrite,
            replicates=replicates or 1,
            scenarios=scenario or None,
            workers=workers,
            executor=None if executor == "local" else executor,
            address=address,
            blocks=blocks,
        )
        return
    if (executor != "local" and not region) or blocks:
        raise UsageError(
            "a single run is made by one process",
            code="usage.option",
            hint="add `--replicates 100`, or leave out `--executor` and `--blocks`",
        )
    given: dict[str, Any] = {"steps": steps, "days": days, "seed": seed, "format": form}
    given |= {"fresh": fresh, "overwrite": overwrite}
    if region:
        folder = output or Path("out") / file_stem(file_of(model)[0].stem)
        given |= {"parameters": set_, "workers": workers, "address": address}
        cluster = None if executor == "local" else executor
        with progress(talk, resumes=True, unit="region") as watch:
            dataset = simulate_regions(
                model, region, n, output=folder, executor=cluster, progress=watch, **given
            )
    else:
        world = load_world(model, set_)
        folder = output or Path("out") / file_stem(world.name)
        with progress(talk, resumes=True, unit="step") as watch:
            dataset = run(world, n, output=folder, progress=watch, **given)
    if report:
        from fabula.reports.run_page import write_report

        write_report(dataset)
    if dataset.reused:
        talk.say(f"Nothing to do: `{folder}` holds this run, finished; --fresh makes it again")
    else:
        talk.say(told(dataset))
        talk.say(wrote_line(dataset))
    talk.hint(look_at(folder))
