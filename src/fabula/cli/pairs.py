"""`fabula pairs`: training pairs of any shape, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fabula.cli.arguments import (
    FreshOption,
    MaxCallsOption,
    MaxCostOption,
    MaxTokensOption,
    ModelOption,
    ReasoningOption,
    SeedOption,
    read_shares,
)
from fabula.cli.console import Talk
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.group import new_app
from fabula.cli.llm_options import calls_line
from fabula.cli.progress import counted, progress
from fabula.errors import PartialRunError, UsageError

if TYPE_CHECKING:
    from fabula.augment.pairs.ask import PairOptions
    from fabula.llm.rows.job import RowsResult

app = new_app()


@app.command()
def pairs(
    ctx: typer.Context,
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="PAIR",
            help="What a pair is: 'product name and category → description' (`->` will do), "
            "`module:Class`, or with --input and --output what the pairs are about.",
        ),
    ] = "",
    *,
    n: Annotated[int, typer.Option("-n", min=0, metavar="N", help="Pairs wanted.")] = 100,
    file: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--to",
            metavar="FILE",
            help="File to write, or with --split a folder; by default `pairs.jsonl`.",
        ),
    ] = None,
    inputs: Annotated[
        str, typer.Option("--input", metavar="A,B", help="Fields of the input, without an arrow.")
    ] = "",
    outputs: Annotated[
        str, typer.Option("--output", metavar="C", help="Fields of the output, without an arrow.")
    ] = "",
    prompt: Annotated[
        str, typer.Option("--prompt", metavar="TEXT", help="What the pairs are about.")
    ] = "",
    extra: Annotated[
        str, typer.Option("--extra", metavar="TEXT", help="A further demand in words.")
    ] = "",
    examples: Annotated[
        Path | None, typer.Option("--examples", metavar="FILE", help="Pairs made by people.")
    ] = None,
    balance: Annotated[
        list[str] | None,
        typer.Option(
            "--balance",
            metavar="NAME=A,B",
            help="An attribute dealt out evenly, `topic=billing,login`, or by weight, "
            "`tone=calm:3,angry:1`; repeatable.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="`chat-jsonl`, `completion-jsonl`, `alpaca`, `sharegpt`, or a file format; by "
            "default the pairs as they are, as the file's ending says.",
        ),
    ] = None,
    user: Annotated[
        str, typer.Option("--user", metavar="TEMPLATE", help="What the user says in an export.")
    ] = "",
    assistant: Annotated[
        str, typer.Option("--assistant", metavar="TEMPLATE", help="What the assistant answers.")
    ] = "",
    system: Annotated[
        str, typer.Option("--system", metavar="TEMPLATE", help="What the system says first.")
    ] = "",
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="train=0.9,test=0.1", help="Files with these shares."),
    ] = None,
    stratify: Annotated[
        str, typer.Option("--stratify", metavar="FIELD", help="Field with equal shares in each.")
    ] = "",
    numbered: Annotated[
        bool, typer.Option("--numbered", help="Ask for numbered text, never for JSON.")
    ] = False,
    reasoning: ReasoningOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    rows_per_call: Annotated[
        int | None, typer.Option("--rows-per-call", min=1, help="Pairs asked at once.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every prompt and the cost; ask nothing.")
    ] = False,
    fresh: FreshOption = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files to write.")
    ] = False,
    max_calls: MaxCallsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
) -> None:
    """Make training pairs: an input, and the output that answers it.

    Exactly N pairs, and no input twice. Run the same command again to continue: replies that are
    known are not asked again.
    """
    from fabula.augment.pairs.ask import pairs as ask
    from fabula.augment.pairs.attributes import read_attribute
    from fabula.augment.pairs.files import pairs_to_file
    from fabula.inference.resolve import class_of
    from fabula.training.summary import export_text

    talk: Talk = ctx.obj
    target = file or Path("pairs.jsonl")
    _no_file(outputs)

    def tell(result: RowsResult) -> None:
        talk.say(calls_line(result))

    options: PairOptions = {
        "input": inputs,
        "output": outputs,
        "prompt": prompt,
        "extra": extra,
        "balance": dict(map(read_attribute, balance or ())),
        "numbered": numbered,
        "reasoning": reasoning or "drop",
        "model": model or "local",
        "rows_per_call": rows_per_call,
        "fresh": fresh,
        "max_calls": max_calls,
        "max_tokens": max_tokens,
        "max_cost": max_cost,
        "on_result": tell,
    }
    if examples is not None:
        options["examples"] = _examples(examples)
    shape = class_of(wanted) or wanted
    if dry_run:
        del options["on_result"]
        print_rehearsal(lambda noted: ask(shape, n, **(options | {"rehearsal": noted})))
        return
    export: dict[str, Any] = {
        "format": form,
        "user": user,
        "assistant": assistant,
        "system": system,
        "split": read_shares(split),
        "stratify": stratify,
        "seed": seed or 0,
        "overwrite": overwrite,
    }
    with progress(talk) as watch:
        options["progress"] = counted(watch, target.stem, n)
        try:
            made, written = pairs_to_file(shape, n, target, options, export)
        except PartialRunError as error:
            talk.say(error.rows.counted)
            raise
    talk.say(made.counted)
    talk.say(export_text(written))


def _no_file(outputs: str) -> None:
    """Refuse a file where fields are meant: elsewhere `--output` is the file."""
    from fabula.io.formats import ENDINGS

    if Path(outputs).suffix.lower() in ENDINGS:
        raise UsageError(
            f"`--output {outputs}` names a file; here it means the fields of the output",
            code="usage.output",
            hint=f"write `-o {outputs}`",
        )


def _examples(path: Path) -> list[Any]:
    from fabula.io.tables import as_table

    rows: list[Any] = as_table(path, name="examples").to_pylist()
    return rows
