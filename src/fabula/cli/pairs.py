"""`fabula pairs`: generates training pairs of any shape into a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

import typer

from fabula.cli.arguments import Asking, Count, Exporting, Positive, parted
from fabula.cli.console import Talk
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.llm_options import calls_line
from fabula.cli.options import Read, verb
from fabula.cli.progress import counted, progress
from fabula.errors import PartialRunError, UsageError


def _fields(text: str) -> str:
    """The fields of the output; a file name is rejected: other verbs' `--output` is a file."""
    from fabula.io.formats import ENDINGS

    if Path(text).suffix.lower() in ENDINGS:
        raise UsageError(
            f"`--output {text}` names a file; here it means the fields of the output",
            code="usage.output",
            hint=f"write `-o {text}`",
        )
    return text


def read_balance(texts: Sequence[str]) -> Any:
    """Attributes with their weights."""
    from fabula.augment.pairs.attributes import read_attribute

    return dict(map(read_attribute, texts))


def read_shares(texts: Sequence[str]) -> Any:
    """Names with exact shares, such as `de:2,fr`."""
    from fabula.augment.conversations.plans import read_weights

    return read_weights(texts)


def _examples(path: str) -> list[Any]:
    from fabula.io.tables import as_table

    rows: list[Any] = as_table(Path(path), name="examples").to_pylist()
    return rows


class Pairing(Asking, total=False):
    """How pairs are asked.

    Options:
        input (A,B): Fields of the input, without an arrow.
        output (C): Fields of the output, without an arrow.
        prompt (TEXT): What the pairs are about.
        extra (TEXT): Further instructions.
        examples (FILE): Human-written example pairs.
        balance (NAME=A,B): An attribute to distribute evenly, `topic=billing,login`, or by weight,
            `tone=calm:3,angry:1`; repeatable.
        numbered: Ask for numbered text instead of JSON.
        reasoning: Keep what models think, in a column `reasoning`.
        rows_per_call: Pairs per call.
        against (FILE): Evaluation file; pairs that overlap with it are refused and asked again.
    """

    input: str
    output: Annotated[str, Read(_fields), "--output"]
    prompt: str
    extra: str
    examples: Annotated[list[Any], Read(_examples)]
    balance: Annotated[Any, Read(read_balance, many=True)]
    numbered: bool
    reasoning: Literal["keep"]
    rows_per_call: Positive
    against: Path


class PairFiles(Pairing, Exporting, total=False):
    """How pairs are asked and written."""


@verb()
def pairs(
    talk: Talk,
    wanted: str = "",
    *,
    n: Count = 100,
    file: Annotated[Path, typer.Option("-o", "--to")] = Path("pairs.jsonl"),
    form: str | None = None,
    assistant: str = "",
    dry_run: bool = False,
    **wishes: Unpack[PairFiles],
) -> None:
    """Generate training pairs: an input and the output that answers it.

    Exactly N pairs, and no input twice. To continue, run the same command again: known replies are
    reused.

    Options:
        wanted (PAIR): What a pair is: 'product name and category → description' (`->` will do),
            `module:Class`, or, with --input and --output, what the pairs are about.
        n (N): Number of pairs.
        file (FILE): File to write, or with --split a folder.
        form (FORMAT): `chat-jsonl`, `completion-jsonl`, `alpaca`, `sharegpt`, or a file format; by
            default plain pairs in the format of the file's ending.
        assistant (TEMPLATE): The assistant's answer.
        dry_run: Print every prompt and the cost; call and write nothing.
    """
    from fabula.augment.pairs.ask import pairs as ask
    from fabula.augment.pairs.files import pairs_to_file
    from fabula.inference.resolve import class_of

    shape = class_of(wanted) or wanted
    asked, export = parted(wishes, Exporting)
    if dry_run:
        print_rehearsal(lambda noted: ask(shape, n, **asked, rehearsal=noted))
        return
    with progress(talk) as watch:
        try:
            made, written = pairs_to_file(
                shape,
                n,
                file,
                {"format": form, "assistant": assistant, **export},
                **asked,
                progress=counted(watch, file.stem, n),
                on_result=lambda result: talk.say(calls_line(result)),
            )
        except PartialRunError as error:
            talk.say(error.rows.counted)
            raise
    talk.say(made.counted)
    talk.say(written.report())
