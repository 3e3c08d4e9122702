"""`fabula describe`: a text for every item of a file, proven to tell its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fabula.cli.arguments import (
    FreshOption,
    MaxCallsOption,
    MaxCostOption,
    MaxTokensOption,
    ModelOption,
    OverwriteOption,
    read_names,
)
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.llm_options import AttemptsOption, DryRunOption, calls_line, show_prompts
from fabula.cli.progress import counted, progress

if TYPE_CHECKING:
    from fabula.describing.round_trip import RoundTrip

app = new_app()


@app.command()
def describe(
    ctx: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="CSV, JSON Lines, Parquet …")],
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write; by default `NAME-described.csv`."),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, metavar="N", help="Texts about each item.")] = 1,
    style: Annotated[str, typer.Option("--style", help="How to write, in words.")] = "",
    language: Annotated[
        str, typer.Option("--language", metavar="NAME", help="`German`, `pt-BR` …; checked.")
    ] = "",
    min_words: Annotated[
        int | None, typer.Option("--min-words", min=0, help="Fewest words.")
    ] = None,
    max_words: Annotated[int | None, typer.Option("--max-words", min=0, help="Most words.")] = None,
    min_characters: Annotated[
        int | None, typer.Option("--min-characters", min=0, help="Fewest characters.")
    ] = None,
    max_characters: Annotated[
        int | None, typer.Option("--max-characters", min=0, help="Most characters.")
    ] = None,
    must: Annotated[
        list[str] | None, typer.Option("--must", metavar="WORD", help="In the text; repeatable.")
    ] = None,
    must_not: Annotated[
        list[str] | None,
        typer.Option("--must-not", metavar="WORD", help="Not in the text; repeatable."),
    ] = None,
    preferences: Annotated[
        str,
        typer.Option("--preferences", metavar="COLUMN", help="Column of each item's own wishes."),
    ] = "",
    columns: Annotated[
        str, typer.Option("--columns", metavar="NAMES", help="Only these fields: `name,year`.")
    ] = "",
    task: Annotated[
        str, typer.Option("--task", metavar="TEXT", help="A task of your own, with `{{ name }}`.")
    ] = "",
    faithful: Annotated[
        bool, typer.Option("--faithful", help="Refuse names and numbers not in the fields.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Have each text read again, and compare.")
    ] = False,
    rounds: Annotated[
        int, typer.Option("--rounds", min=0, help="Times that a failing text is written again.")
    ] = 2,
    failures: Annotated[
        Literal["drop", "keep"], typer.Option("--failures", help="What happens to the last ones.")
    ] = "drop",
    report: Annotated[
        Path | None, typer.Option("--report", help="JSON file for the round trip's score.")
    ] = None,
    dry_run: DryRunOption = False,
    model: ModelOption = None,
    attempts: AttemptsOption = 3,
    fresh: FreshOption = False,
    overwrite: OverwriteOption = False,
    max_calls: MaxCallsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
) -> None:
    """Write a text for every item that tells all of its fields.

    A text that lacks a value, breaks a bound or repeats another one is asked again, with what it
    lacks. Names and numbers that the fields do not hold are listed alongside it.

    Examples: `fabula describe films.csv --style gossip --min-words 30`;
    `fabula describe films.jsonl -n 3 --verify -o texts.jsonl --model openai:gpt-4o-mini`
    """
    from fabula.describing.describe import prompts_of
    from fabula.describing.files import beside, describe_file
    from fabula.fakers.languages import is_known
    from fabula.io.places import check_free, make_folder, write_text
    from fabula.render import amounts

    talk: Talk = ctx.obj
    wishes: dict[str, Any] = {
        "style": style,
        "language": language,
        "min_words": min_words,
        "max_words": max_words,
        "min_characters": min_characters,
        "max_characters": max_characters,
        "must": must or [],
        "must_not": must_not or [],
    }
    wanted: dict[str, Any] = {
        "preferences": {
            name: value for name, value in wishes.items() if value not in ("", None, [])
        },
        "n": n,
        "task": task,
        "columns": read_names(columns),
        "preferences_column": preferences,
    }
    prompts = prompts_of(data, **wanted)
    if dry_run:
        show_prompts(talk, prompts, model or "local")
        return
    if language and not is_known(language):
        talk.say(f"note: whether a text is in {language} can't be checked; it is only asked for")
    target = output or beside(data, "described")
    if report is not None:
        check_free(report, overwrite=True)

    def scored(score: RoundTrip) -> None:
        talk.say(str(score))
        if report is not None:
            make_folder(report.parent)
            write_text(report, json.dumps(score.to_dict(), indent=2) + "\n")

    with progress(talk) as watch:
        records = describe_file(
            data,
            target,
            overwrite=overwrite,
            **wanted,
            faithful=faithful,
            verify=verify,
            rounds=rounds,
            failures=failures,
            on_score=scored,
            model=model or "local",
            attempts=attempts,
            fresh=fresh,
            max_calls=max_calls,
            max_tokens=max_tokens,
            max_cost=max_cost,
            progress=counted(watch, data.stem, len(prompts)),
            on_result=lambda result: talk.say(calls_line(result)),
        )
    claims = sum(bool(record["unsupported"]) for record in records)
    listed = f"; {claims:,} with names or numbers that the fields do not hold" if claims else ""
    talk.say(f"Wrote `{target}` ({amounts.count(len(records), 'text')}{listed})")
    talk.hint(f"look at it with `fabula show {pasted(target)}`")
