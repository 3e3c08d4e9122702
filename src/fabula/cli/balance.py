"""`fabula balance`: balances the topics of a text dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

import typer

from fabula.cli.arguments import (
    Asking,
    Count,
    Names,
    Positive,
    Printed,
    Words,
    number_of,
    print_as,
    read_names,
    read_pairs,
)
from fabula.cli.console import Talk
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress, still
from fabula.errors import UsageError

if TYPE_CHECKING:
    from fabula.topics.checkpoint import Round


def _sizes(text: str) -> list[int]:
    try:
        return [int(size) for size in read_names(text)]
    except ValueError as exc:
        raise UsageError(
            f"`--sizes {text}` is not a list of numbers",
            code="usage.sizes",
            hint="write `--sizes 20,20,3`",
        ) from exc


def _shares(texts: Sequence[str]) -> dict[str, float]:
    """`["food=0.4"]` as shares by topic."""
    shares = {topic: number_of(share) for topic, share in read_pairs("--share", texts, "food=0.4")}
    for topic, share in shares.items():
        if math.isnan(share):
            raise UsageError(
                f"`--share {topic}` has no number", code="usage.shares", hint="write `food=0.4`"
            )
    return shares


class Balancing(Asking, total=False):
    """How topics are balanced.

    Options:
        text (COLUMNS): Columns that form the text; all by default.
        label (COLUMN): Labels to compare with the topics found.
        topics: Number of topics; detected by default.
        sizes (N,N): Rows of each topic, if known.
        score: Score that selects the number of topics; `silhouette` by default.
        new_topics: Topics to invent alongside those found.
        shares (TOPIC=SHARE): Share of a topic by name or number, `food=0.4`; the rest is even;
            repeatable. With --plan by number: the model names topics.
        n (N): Maximum number of rows to write.
        rounds: Maximum number of rounds; 3 by default.
        evenness: Topic entropy at which to stop, 0 to 1.
        similarity: Similarity from which two texts count as near-duplicates, 0 to 1; by default
            0.85.
        unique (COLUMN): Column whose values must be unique; repeatable.
        prompt (TEXT): What the rows are about, for the model.
        embedding (MODEL): `wordllama` (the default: runs locally, no key) or `openai:NAME` …
        seed: Seed of the embedding's clusters.
    """

    text: Names
    label: str
    topics: Positive
    sizes: Annotated[Sequence[int], Read(_sizes)]
    score: Literal["silhouette", "gap", "elbow"]
    new_topics: Count
    shares: Annotated[Mapping[str, float], Read(_shares, many=True), "--share"]
    n: Count
    rounds: Positive
    evenness: Annotated[float, typer.Option(min=0, max=1)]
    similarity: float
    unique: Words
    prompt: str
    embedding: str
    seed: int


@verb()
def balance(
    talk: Talk,
    data: Path,
    *,
    plan: bool = False,
    output: Path | None = None,
    overwrite: bool = False,
    form: Printed = "table",
    **wanted: Unpack[Balancing],
) -> None:
    """Balance the topics of a text dataset.

    Texts are clustered into topics, which the language model names. Round by round, it then writes
    the rows that topics lack. New rows that repeat a text or stray from their topic are rejected.

    Examples: `fabula balance tickets.jsonl --plan`;
    `fabula balance tickets.jsonl --new-topics 4 --model openai:gpt-4o-mini -o balanced/`

    Options:
        data (DATA): A file of texts or chats, or a run's folder.
        plan: Show topics, repeats and what a run would ask.
        output: Folder to write to; by default `NAME-balanced`.
        fresh: Start over without reusing known replies.
        overwrite: Replace another run in the folder.
        form: How a plan is printed.
    """
    from fabula.topics import report as run

    def note(text: str) -> None:
        talk.say(f"note: {text}")

    def tell(each: Round) -> None:
        counts = " · ".join(f"{name} {count:,}" for name, count in each.counts.items())
        talk.say(f"round {each.number}  +{each.new:,}  {counts}")

    if plan:
        with still(talk, f"looking at {data.name}"):
            planned = run.balance_plan(data, charts=output, on_note=note, **wanted)
        print_as(form, planned.report(), planned.to_dict())
        return
    folder = output or Path(f"{data.stem}-balanced")
    with progress(talk) as watch, still(talk, f"balancing {data.name}"):
        made = run.balance(
            data,
            output=folder,
            overwrite=overwrite,
            on_note=note,
            on_round=tell,
            progress=watch and (lambda _, done, __: watch(data.stem, done, done)),
            **wanted,
        )
    typer.echo(made.report())
    talk.say(f"Wrote `{folder}/` ({made.table.num_rows:,} rows): {made.ended}")
    talk.hint(f"open {folder}/report.html")
