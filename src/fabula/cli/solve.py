"""`fabula solve`: answers with their reasoning, kept where code verifies them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Unpack

import typer

from fabula.cli.arguments import Asking, Positive, Splitting, parted
from fabula.cli.console import Talk
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.llm_options import ask_into
from fabula.cli.options import verb


class Solving(Asking, total=False):
    """How answers are asked and verified.

    Options:
        question (COLUMN): The question; by default `question`.
        answer (COLUMN): The known answer, which the model never sees; by default `answer`.
        choices (COLUMN): The choices, with `|` between them; by default `choices`.
        tests (COLUMN): Unit tests in Python; by default `tests`.
        by (WAY): How answers are verified: `number`, `choice`, `text`, `tests`, `program` or
            `agreement`; by default `number`.
        samples: Answers asked at most for one question; by default 4.
        keep: `first` verified answer of each question, or `all` different ones.
        agree (SHARE): Share of samples that must agree, for `agreement`.
        reasoning: `write` asks for the reasoning; `keep` keeps what a reasoning model thought.
        extra (TEXT): Further instructions.
    """

    question: str
    answer: str
    choices: str
    tests: str
    by: str
    samples: Positive
    keep: Literal["first", "all"]
    agree: float
    reasoning: Literal["write", "keep"]
    extra: str


class SolvedFiles(Solving, Splitting, total=False):
    """How answers are asked and written."""


@verb()
def solve(
    talk: Talk,
    tasks: Path,
    *,
    file: Annotated[Path, typer.Option("-o", "--to")] = Path("solved.jsonl"),
    form: str | None = None,
    dry_run: bool = False,
    **wishes: Unpack[SolvedFiles],
) -> None:
    """Have a model reason to answers, and keep those that code verifies.

    Questions without a verified answer are counted, listed and left out. The same command with
    more `--samples` asks only for what is missing. Exit code 4 when no question is solved.

    Options:
        tasks (FILE): A table of questions.
        file (FILE): File to write, or with --split a folder.
        form (FORMAT): `chat-jsonl` and other training formats, or a file format; by default the
            rows in the format of the file's ending.
        dry_run: Print every prompt of one sample and the cost; call and write nothing.
    """
    from fabula.augment.solving.result import some_solved
    from fabula.augment.solving.solve import solve as ask

    asked, export = parted(wishes, Splitting)
    if dry_run:
        once = {**asked, "samples": 2 if asked.get("by") == "agreement" else 1}
        print_rehearsal(lambda noted: ask(tasks, **once, rehearsal=noted))
        return
    ask_into(
        talk, file, form, export, lambda **watched: some_solved(ask(tasks, **asked, **watched))
    )
