"""`fabula balance`: a text data set whose topics have the rows that they should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fabula.cli.arguments import (
    MaxCallsOption,
    MaxCostOption,
    MaxTokensOption,
    ModelOption,
    PromptOption,
    SeedOption,
    read_names,
)
from fabula.cli.console import Talk
from fabula.cli.group import new_app
from fabula.cli.progress import progress
from fabula.errors import UsageError

if TYPE_CHECKING:
    from fabula.topics.balance import BalanceOptions
    from fabula.topics.checkpoint import Round

app = new_app()


@app.command()
def balance(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file of texts or chats, or a run's folder.")
    ],
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show topics, repeats and what a run would ask.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder to write to; by default `NAME-balanced`."),
    ] = None,
    text: Annotated[
        str,
        typer.Option("--text", metavar="COLUMNS", help="Columns that make the text; default: all."),
    ] = "",
    label: Annotated[
        str | None,
        typer.Option("--label", metavar="COLUMN", help="Labels to compare with the topics found."),
    ] = None,
    topics: Annotated[
        int | None,
        typer.Option("--topics", min=1, help="Number of topics; detected by default."),
    ] = None,
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="N,N", help="Rows of each topic, where known.")
    ] = "",
    score: Annotated[
        Literal["silhouette", "gap", "elbow"],
        typer.Option("--score", help="Score that selects the number of topics."),
    ] = "silhouette",
    new_topics: Annotated[
        int, typer.Option("--new-topics", min=0, help="Topics to invent alongside those found.")
    ] = 0,
    share: Annotated[
        list[str] | None,
        typer.Option(
            "--share",
            metavar="TOPIC=SHARE",
            help="Share of a topic by name or number, `food=0.4`; the rest is even; repeatable. "
            "With --plan by number: the model names topics.",
        ),
    ] = None,
    n: Annotated[
        int | None, typer.Option("-n", min=0, metavar="N", help="Maximum number of rows to write.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Maximum number of rounds.")] = 3,
    evenness: Annotated[
        float | None,
        typer.Option("--evenness", min=0, max=1, help="Topic entropy at which to stop, 0 to 1."),
    ] = None,
    similarity: Annotated[
        float,
        typer.Option(
            "--similarity", help="Similarity from which two texts count as near-duplicates, 0 to 1."
        ),
    ] = 0.85,
    unique: Annotated[
        list[str] | None,
        typer.Option(
            "--unique", metavar="COLUMN", help="Column whose values must be unique; repeatable."
        ),
    ] = None,
    prompt: PromptOption = None,
    model: ModelOption = None,
    embedding: Annotated[
        str,
        typer.Option("--embedding", help="`wordllama` (here, no key) or `openai:NAME` …"),
    ] = "wordllama",
    seed: SeedOption = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over without reusing known replies.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another run in the folder.")
    ] = False,
    max_calls: MaxCallsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How a plan is printed.")
    ] = "table",
) -> None:
    r"""Balance the topics of a text dataset.

    Texts are clustered into topics, which the language model names; it then writes what topics
    lack, round by round. New rows that repeat a text or stray from their topic are not taken.

    Examples: `fabula balance tickets.jsonl --plan`;
    `fabula balance tickets.jsonl --new-topics 4 --model openai:gpt-4o-mini -o balanced/`
    """
    from fabula.topics import report as run
    from fabula.topics import summary as words

    talk: Talk = ctx.obj
    wanted: BalanceOptions = {
        "text": read_names(text),
        "label": label,
        "topics": topics,
        "sizes": _sizes(sizes),
        "score": score,
        "new_topics": new_topics,
        "shares": dict(map(_share, share or ())),
        "n": n,
        "rounds": rounds,
        "evenness": evenness,
        "similarity": similarity,
        "unique": unique or (),
        "prompt": prompt or "",
        "model": model or "local",
        "embedding": embedding,
        "seed": seed or 0,
        "fresh": fresh,
        "max_calls": max_calls,
        "max_tokens": max_tokens,
        "max_cost": max_cost,
        "on_note": lambda note: talk.say(f"note: {note}"),
    }
    if plan:
        planned = run.balance_plan(data, charts=output, **wanted)
        values = json.dumps(words.plan_values(planned), ensure_ascii=False)
        typer.echo(values if form == "json" else words.plan_text(planned))
        return
    folder = output or Path(f"{data.stem}-balanced")
    with progress(talk) as watch:

        def tell(each: Round) -> None:
            counts = " · ".join(f"{name} {count:,}" for name, count in each.counts.items())
            talk.say(f"round {each.number}  +{each.new:,}  {counts}")

        wanted["on_round"] = tell
        if watch:
            wanted["progress"] = lambda _, done, __: watch(data.stem, done, done)
        made = run.balance(data, output=folder, overwrite=overwrite, **wanted)
    typer.echo(words.balanced_text(made))
    talk.say(f"Wrote `{folder}/` ({made.table.num_rows:,} rows): {made.ended}")
    talk.hint(f"open {folder}/report.html")


def _sizes(text: str) -> list[int]:
    try:
        return [int(size) for size in read_names(text)]
    except ValueError as exc:
        raise UsageError(
            f"`--sizes {text}` is not a list of numbers",
            code="usage.sizes",
            hint="write `--sizes 20,20,3`",
        ) from exc


def _share(text: str) -> tuple[str, float]:
    topic, _, share = text.rpartition("=")
    try:
        return topic, float(share)
    except ValueError as exc:
        raise UsageError(
            f"`--share {text}` names no share", code="usage.shares", hint="write `--share food=0.4`"
        ) from exc
