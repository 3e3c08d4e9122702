"""`fabula program`: a model writes the program that makes the data; `program run` runs it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typing_extensions import override

from fabula.cli.arguments import (
    FreshOption,
    MaxCallsOption,
    MaxCostOption,
    MaxTokensOption,
    ModelOption,
    RowsOption,
    read_sizes,
)
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.verbs import VERBS
from fabula.errors import FabulaError

if TYPE_CHECKING:
    from fabula.runs.dataset import Dataset

WRITE = "write"
"""The verb's own name for what a bare request means."""


class RequestGroup(TyperGroup):
    """Takes `program REQUEST` for `program write REQUEST`."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word in that users may leave out."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [WRITE, *args]
        return super().parse_args(ctx, args)


app = new_app(help=VERBS["program"], cls=RequestGroup)

OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="The folder to write to; by default `out/NAME`."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="What random numbers start from.")]
FormatOption = Annotated[
    Literal["parquet", "csv", "jsonl", "arrow"], typer.Option("--format", help="File format.")
]
OrphansOption = Annotated[
    Literal["fail", "drop", "resample"],
    typer.Option(
        "--orphans", help="What happens to rows whose foreign key exists nowhere; counted."
    ),
]
SecondsOption = Annotated[
    float, typer.Option("--max-seconds", min=1, help="Most seconds of one run of the program.")
]
MemoryOption = Annotated[
    float, typer.Option("--max-memory", min=0.1, metavar="GB", help="Most memory of one run.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace another run in the folder.")
]


@app.command(WRITE)
def write(
    ctx: typer.Context,
    request: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST",
            help="A sentence such as '100 rows of houses: id, size (m2), price', or a spec's file.",
            show_default=False,
        ),
    ],
    *,
    n: RowsOption = None,
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            metavar="RULE",
            help="Relation of the only table's columns, `price ~ size +`, or a SQL condition on a "
            "row; repeatable.",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=0, help="Times that it goes back for repair.")
    ] = 3,
    orphans: OrphansOption = "fail",
    form: FormatOption = "parquet",
    fresh: FreshOption = False,
    overwrite: OverwriteOption = False,
    max_calls: MaxCallsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
    max_seconds: SecondsOption = 60.0,
    max_memory: MemoryOption = 4.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked; call and write nothing.")
    ] = False,
) -> None:
    """Have a model write the program that makes the data, and run it in the sandbox.

    The program is kept in the folder; `fabula program run FOLDER -n 100000` makes more rows
    without a model.
    """
    from fabula.io.names import file_stem
    from fabula.reports.programs import dry_run_text
    from fabula.runs.program import asked_of, model_for, program

    talk: Talk = ctx.obj
    sizes = read_sizes(n)
    wanted = asked_of(request, sizes, check or ())
    if dry_run:
        typer.echo(dry_run_text(wanted, model_for(wanted, model), rounds))
        return
    folder = output or Path("out") / file_stem(wanted.name)

    def make() -> Dataset:
        return program(
            request,
            sizes,
            output=folder,
            model=model,
            seed=seed,
            checks=check or (),
            rounds=rounds,
            orphans=orphans,
            format=form,
            fresh=fresh,
            overwrite=overwrite,
            max_calls=max_calls,
            max_tokens=max_tokens,
            max_cost=max_cost,
            limits=_limits(max_seconds, max_memory),
            on_note=talk.say if talk.progress else None,
        )

    _finish(talk, make, folder)
    talk.hint(f"more rows without a model: `fabula program run {pasted(folder)} -n 100000`")


@app.command("run")
def run(
    ctx: typer.Context,
    program: Annotated[
        Path,
        typer.Argument(metavar="PROGRAM", help="A kept program, or the folder that holds it."),
    ],
    *,
    n: Annotated[
        list[str] | None,
        typer.Option(
            "-n",
            metavar="N|TABLE=N",
            help="Rows of the largest table, the others in proportion; or of one table, "
            "repeatable.",
        ),
    ] = None,
    output: OutputOption = None,
    seed: SeedOption = None,
    orphans: OrphansOption = "fail",
    form: FormatOption = "parquet",
    overwrite: OverwriteOption = False,
    max_seconds: SecondsOption = 600.0,
    max_memory: MemoryOption = 8.0,
) -> None:
    """Run a kept program in the sandbox; no model is asked.

    The same program, rows and seed give the same bytes.
    """
    from fabula.runs.program import run_program

    talk: Talk = ctx.obj
    folder = output or Path("out") / f"{(program if program.is_dir() else program.parent).name}-run"

    def make() -> Dataset:
        return run_program(
            program,
            read_sizes(n),
            seed=seed,
            output=folder,
            orphans=orphans,
            format=form,
            overwrite=overwrite,
            limits=_limits(max_seconds, max_memory),
        )

    _finish(talk, make, folder)
    talk.hint(f"look at it with `fabula show {pasted(folder)}`")


def _finish(talk: Talk, make: Any, folder: Path) -> None:
    """Run, and say how it ended, also where it ended badly."""
    from fabula.reports.programs import program_text

    try:
        dataset = make()
    except FabulaError as error:
        made = getattr(error, "dataset", None)
        if made is not None:
            talk.say(program_text(made))
        elif (folder / "traceback.txt").is_file():
            talk.say(f"Kept `{folder / 'program.py'}` and `{folder / 'traceback.txt'}`")
        raise
    talk.say(program_text(dataset))


def _limits(seconds: float, gigabytes: float) -> Any:
    from dataclasses import replace

    from fabula.codegen.running import LIMITS

    memory = int(gigabytes * 2**30)
    return replace(LIMITS, seconds=seconds, memory=memory, result=memory)
