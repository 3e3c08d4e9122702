"""`fabula rewrite`: rewrites the texts of a set into a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

import typer

from fabula.cli.arguments import Asking, Count, Exporting, Positive, parted
from fabula.cli.console import Talk
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.llm_options import ask_into
from fabula.cli.options import Read, verb
from fabula.cli.pairs import read_balance, read_shares
from fabula.errors import UsageError

How = Literal[
    "deeper", "broader", "paraphrase", "translate", "back-translate", "prefer", "red-team"
]


def _band(text: str) -> tuple[float, float]:
    """`0.05..0.6` as the least and the largest distance.

    Raises:
        UsageError: It is not.
    """
    least, _, most = text.partition("..")
    try:
        return float(least), float(most)
    except ValueError as error:
        raise UsageError(
            f"`--distance {text}` is not a band",
            code="usage.distance",
            hint="write the least and the largest distance: `--distance 0.05..0.6`",
        ) from error


class Rewriting(Asking, total=False):
    """How texts are rewritten.

    Options:
        text (COLUMN): The column to rewrite; by default `question`, `prompt`, `instruction`,
            `text`, or the only one.
        answer (COLUMN): The column of answers; by default `answer`, if there is one.
        kinds (KINDS): Kinds of change with exact shares: `constraint:2,steps`.
        languages (LANGUAGES): Languages of translations, with exact shares: `de:2,fr`.
        language (LANGUAGE): Language of the texts; by default told by their words.
        distance (LOW..HIGH): Distances from the given text that a rewrite may have: `0.05..0.6`.
        balance (NAME=A,B): An attribute to distribute evenly, `tone=formal,casual`, or by weight;
            repeatable.
        by (WAY): Have answers verified by a solver that never sees them: `number`, `choice`,
            `text`, `tests` or `program`.
        samples: Attempts of the solver; by default 2.
        judge (MODEL): Model that judges whether rewrites hold; by default the one that writes,
            unless --by is given.
        no_judge: Do not have rewrites judged.
        rubric (TEXT): For `prefer`: what makes an answer good.
        at_least (SCORE): For `prefer`: score of the better answer, of 5; by default 4.
        ratio (FACTOR): For `prefer`: how much longer one answer may be; by default 1.25.
        policy (FILE): For `red-team`: the rules, as a file or a text.
        borderline (SHARE): For `red-team`: share of requests that are allowed; by default 0.2.
        extra (TEXT): Further instructions.
        against (FILE): Evaluation file; what overlaps with it is refused and asked again.
    """

    text: str
    answer: str
    kinds: Annotated[Any, Read(read_shares, many=True)]
    languages: Annotated[Any, Read(read_shares, many=True)]
    language: str
    distance: Annotated[Any, Read(_band)]
    balance: Annotated[Any, Read(read_balance, many=True)]
    by: str
    samples: Positive
    judge: str
    no_judge: bool
    rubric: str
    at_least: Positive
    ratio: float
    policy: str
    borderline: float
    extra: str
    against: Path


class RewrittenFiles(Rewriting, Exporting, total=False):
    """How texts are rewritten, and rewrites are written."""


@verb()
def rewrite(
    talk: Talk,
    how: How,
    data: Path,
    *,
    n: Count | None = None,
    file: Annotated[Path, typer.Option("-o", "--to")] = Path("rewritten.jsonl"),
    form: str | None = None,
    dry_run: bool = False,
    **wishes: Unpack[RewrittenFiles],
) -> None:
    """Rewrite the texts of a set, each rewrite checked.

    `deeper` and `broader` write harder and other tasks, `paraphrase` and `back-translate` the same
    in other words, `translate` in other languages, `prefer` a better and a worse answer, and
    `red-team` requests that try to break a policy, with refusals. To continue, run the same
    command again: known replies are reused.

    Options:
        how: What to make of each text.
        data (FILE): A table of texts.
        n (N): Number of rewrites, dealt evenly over the rows; by default one for each.
        file (FILE): File to write, or with --split a folder.
        form (FORMAT): `chat-jsonl` and other training formats, or a file format; by default the
            rows in the format of the file's ending.
        dry_run: Print every prompt of the first step and the cost; call and write nothing.
    """
    from fabula.augment.rewriting.rewrite import rewrite as ask

    asked, export = parted(wishes, Exporting)
    if asked.pop("no_judge", False):
        asked["judge"] = False
    if dry_run:
        print_rehearsal(lambda noted: ask(data, how, n, **asked, rehearsal=noted))
        return
    ask_into(talk, file, form, export, partial(ask, data, how, n, **asked))
