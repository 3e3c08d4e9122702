"""`fabula grounded`: generates questions and answers from documents into a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Unpack

import typer

from fabula.cli.arguments import Asking, Count, Exporting, Positive, parted
from fabula.cli.console import Talk
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.llm_options import ask_into
from fabula.cli.options import Read, verb
from fabula.cli.pairs import read_balance, read_shares


class Grounding(Asking, total=False):
    """How questions are asked.

    Options:
        kinds (KINDS): Shares of questions over `one` passage, over `several`, and without an answer
            (`none`); by default `one:6,several:2,none:2`.
        balance (NAME=A,B): An attribute to distribute evenly, `tone=formal,casual`, or by weight;
            repeatable.
        passage (CHARACTERS): Characters of a passage at most; by default 1500.
        judge (MODEL): Model that judges whether the quotes carry the answer; by default the one
            that writes.
        no_judge: Do not have answers judged; only the places of the quotes are checked.
        no_answer (TEXT): The answer to questions that the documents don't answer.
        extra (TEXT): Further instructions.
        against (FILE): Evaluation file; what overlaps with it is refused and asked again.
    """

    kinds: Annotated[Any, Read(read_shares, many=True)]
    balance: Annotated[Any, Read(read_balance, many=True)]
    passage: Positive
    judge: str
    no_judge: bool
    no_answer: str
    extra: str
    against: Path


class GroundedFiles(Grounding, Exporting, total=False):
    """How questions are asked and written."""


@verb()
def grounded(
    talk: Talk,
    documents: list[Path],
    *,
    n: Count = 100,
    file: Annotated[Path, typer.Option("-o", "--to")] = Path("grounded.jsonl"),
    form: str | None = None,
    dry_run: bool = False,
    **wishes: Unpack[GroundedFiles],
) -> None:
    """Generate questions from documents, with answers that their sources carry.

    Each answer names the spans of the documents that carry it: code finds every quote in its
    source, and a judge reads whether the quotes alone carry the answer. To continue, run the same
    command again: known replies are reused.

    Options:
        documents (FILE): PDF, DOCX, HTML, Markdown or text files, or folders of them.
        n (N): Number of questions.
        file (FILE): File to write, or with --split a folder.
        form (FORMAT): `chat-jsonl` and other training formats, or a file format; by default the
            questions with their spans in the format of the file's ending.
        dry_run: Print every prompt and the cost; call and write nothing.
    """
    from fabula.augment.grounded.ask import grounded as ask

    asked, export = parted(wishes, Exporting)
    if asked.pop("no_judge", False):
        asked["judge"] = False
    if dry_run:
        print_rehearsal(lambda noted: ask(documents, n, **asked, rehearsal=noted))
        return
    ask_into(talk, file, form, export, partial(ask, documents, n, **asked))
