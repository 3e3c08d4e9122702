"""`fabula describe`: writes a text for every item of a file, verified against its fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from fabula.cli.arguments import Asking, Count, Names, Positive, Words
from fabula.cli.console import Talk, pasted
from fabula.cli.llm_options import calls_line, show_prompts
from fabula.cli.options import verb
from fabula.cli.progress import counted, progress

if TYPE_CHECKING:
    from fabula.describing.round_trip import RoundTrip


class Describing(Asking, total=False):
    """How items are described.

    Options:
        n (N): Texts per item; 1 by default.
        columns (NAMES): Describe only these fields: `name,year`.
        task (TEXT): Your own task, a template such as `Sell {{ name }}`.
        faithful: Reject names and numbers that are not in the fields.
        verify: Extract the fields from each text and compare them.
        rounds: Rewrites of a text that fails; 2 by default.
        failures: What to do with texts that still fail; `drop` by default.
        attempts: Retries of an invalid reply; 3 by default.
    """

    n: Positive
    columns: Names
    task: str
    faithful: bool
    verify: bool
    rounds: Count
    failures: Literal["drop", "keep"]
    attempts: Count


@verb()
def describe(
    talk: Talk,
    data: Path,
    *,
    output: Path | None = None,
    style: str = "",
    language: str = "",
    min_words: Count | None = None,
    max_words: Count | None = None,
    min_characters: Count | None = None,
    max_characters: Count | None = None,
    must: Words = (),
    must_not: Words = (),
    preferences: str = "",
    report: Path | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    **asked: Unpack[Describing],
) -> None:
    """Write a text about each item that mentions all of its fields.

    A text that lacks a value, breaks a bound or repeats another one is requested again with the
    reason. Names and numbers that are not in the fields are listed next to the text.

    Examples: `fabula describe films.csv --style gossip --min-words 30`;
    `fabula describe films.jsonl -n 3 --verify -o texts.jsonl --model openai:gpt-4o-mini`

    Options:
        data (DATA): CSV, JSON Lines, Parquet …
        output: File to write; by default `NAME-described.csv`.
        style: Style to write in: `gossip`.
        language (NAME): `German`, `pt-BR` …; checked.
        min_words: Minimum number of words.
        max_words: Maximum number of words.
        min_characters: Minimum number of characters.
        max_characters: Maximum number of characters.
        must (WORD): Word that the text must contain; repeatable.
        must_not (WORD): Word that the text must not contain; repeatable.
        preferences (COLUMN): Column with each item's own preferences.
        report (FILE): JSON file for the round-trip score.
        dry_run: Print every prompt; call and write nothing.
        overwrite: Replace the file to write.
    """
    from fabula.describing.describe import prompts_of
    from fabula.describing.files import beside, describe_file
    from fabula.fakers.languages import is_known
    from fabula.io.places import check_free, make_folder, write_json
    from fabula.render import amounts

    wishes: dict[str, Any] = {
        "style": style,
        "language": language,
        "min_words": min_words,
        "max_words": max_words,
        "min_characters": min_characters,
        "max_characters": max_characters,
        "must": must,
        "must_not": must_not,
    }
    wanted: dict[str, Any] = {
        "preferences": {
            name: value for name, value in wishes.items() if value not in ("", None) and value != ()
        },
        "preferences_column": preferences,
        **asked,
    }
    prompts = prompts_of(data, **wanted)
    if dry_run:
        show_prompts(talk, prompts, asked.get("model", "local"))
        return
    if language and not is_known(language):
        talk.say(f"note: {language} is requested but can't be checked")
    target = output or beside(data, "described")
    if report is not None:
        check_free(report, overwrite=True)

    def scored(score: RoundTrip) -> None:
        talk.say(str(score))
        if report is not None:
            make_folder(report.parent)
            write_json(report, score.to_dict())

    with progress(talk) as watch:
        records = describe_file(
            data,
            target,
            overwrite=overwrite,
            **wanted,
            on_score=scored,
            progress=counted(watch, data.stem, len(prompts)),
            on_result=lambda result: talk.say(calls_line(result)),
        )
    claims = sum(bool(record["unsupported"]) for record in records)
    listed = f"; {claims:,} with names or numbers that are not in the fields" if claims else ""
    talk.say(f"Wrote `{target}` ({amounts.count(len(records), 'text')}{listed})")
    talk.hint(f"look at it with `fabula show {pasted(target)}`")
