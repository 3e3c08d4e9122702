"""`fabula program`: a model writes the program that makes the data; `program run` runs it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

import typer
from typer.core import TyperGroup
from typing_extensions import TypedDict, override

from fabula.cli.arguments import Asking, Count, Rows, Words
from fabula.cli.console import Talk, look_at, pasted
from fabula.cli.group import new_app
from fabula.cli.options import verb
from fabula.cli.verbs import VERBS
from fabula.errors import FabulaError

if TYPE_CHECKING:
    from fabula.runs.dataset import Dataset

WRITE = "write"
"""The subcommand that a bare request stands for."""


class RequestGroup(TyperGroup):
    """Takes `program REQUEST` for `program write REQUEST`."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the subcommand that users may leave out."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [WRITE, *args]
        return super().parse_args(ctx, args)


app = new_app(help=VERBS["program"], cls=RequestGroup)


class ProgramRunning(TypedDict, total=False):
    """How a program runs.

    Options:
        seed: Seed of the random numbers.
        orphans: How to handle orphan rows: `fail` by default; counts are always reported.
        format: File format, `parquet` by default.
        overwrite: Replace another run in the folder.
    """

    seed: int
    orphans: Literal["fail", "drop", "resample"]
    format: Literal["parquet", "csv", "jsonl", "arrow"]
    overwrite: bool


class ProgramWriting(ProgramRunning, Asking, total=False):
    """How a program is written."""


Seconds = Annotated[float, typer.Option(min=1)]
Memory = Annotated[float, typer.Option(min=0.1)]


@verb(app, WRITE)
def write(
    talk: Talk,
    request: str,
    *,
    n: Rows = None,
    output: Path | None = None,
    check: Words = (),
    rounds: Count = 3,
    max_seconds: Seconds = 60.0,
    max_memory: Memory = 4.0,
    dry_run: bool = False,
    **asked: Unpack[ProgramWriting],
) -> None:
    """Have a model write a program, and run it in the sandbox.

    The program generates the data. It is kept in the folder; `fabula program run FOLDER -n 100000`
    makes more rows without a model.

    Options:
        request (REQUEST): A sentence such as '100 rows of houses: id, size (m2), price', or a
            spec's file.
        n (N|TABLE=N): Rows, in total or of one table; repeatable.
        output: The folder to write to; by default `out/NAME`.
        check (RULE): Relation of the only table's columns, `price ~ size +`, or a SQL condition on
            a row; repeatable.
        rounds: Maximum number of repair rounds.
        max_seconds: Time limit of one run of the program, in seconds.
        max_memory (GB): Memory limit of one run.
        dry_run: Print every prompt; call and write nothing.
    """
    from fabula.io.names import file_stem
    from fabula.runs.program import asked_of, model_for, program
    from fabula.runs.program_summary import dry_run_text

    wanted = asked_of(request, n, check)
    if dry_run:
        typer.echo(dry_run_text(wanted, model_for(wanted, asked.get("model")), rounds))
        return
    folder = output or Path("out") / file_stem(wanted.name)

    def make() -> Dataset:
        return program(
            request,
            n,
            output=folder,
            checks=check,
            rounds=rounds,
            limits=_limits(max_seconds, max_memory),
            on_note=talk.say if talk.progress else None,
            **asked,
        )

    _finish(talk, make, folder)
    talk.hint(f"more rows without a model: `fabula program run {pasted(folder)} -n 100000`")


@verb(app)
def run(
    talk: Talk,
    program: Path,
    *,
    n: Rows = None,
    output: Path | None = None,
    max_seconds: Seconds = 600.0,
    max_memory: Memory = 8.0,
    **how: Unpack[ProgramRunning],
) -> None:
    """Run a kept program in the sandbox, without a model.

    The same program, rows and seed give the same bytes.

    Options:
        program (PROGRAM): A kept program, or the folder that holds it.
        n (N|TABLE=N): Rows of the largest table, the others in proportion; or of one table,
            repeatable.
        output: The folder to write to; by default `out/NAME`.
        max_seconds: Time limit of one run of the program, in seconds.
        max_memory (GB): Memory limit of one run.
    """
    from fabula.runs.program import run_program

    folder = output or Path("out") / f"{(program if program.is_dir() else program.parent).name}-run"

    def make() -> Dataset:
        return run_program(
            program,
            n,
            output=folder,
            limits=_limits(max_seconds, max_memory),
            **how,
        )

    _finish(talk, make, folder)
    talk.hint(look_at(folder))


def _finish(talk: Talk, make: Any, folder: Path) -> None:
    """Run, and report the result, including a failed one."""
    from fabula.runs.program_summary import program_text

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
