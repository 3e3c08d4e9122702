"""`fabula extract`: extracts typed rows from texts."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from fabula.cli.arguments import Asking, Count
from fabula.cli.console import Talk, pasted
from fabula.cli.llm_options import calls_line, show_prompts
from fabula.cli.options import verb
from fabula.cli.progress import counted, progress


class Extracting(Asking, total=False):
    """How values are extracted.

    Options:
        many: Extract any number of objects from each text.
        column (NAME): Column of the texts.
        instructions (TEXT): Further instructions.
        attempts: Retries of an invalid reply; 3 by default.
    """

    many: bool
    column: str
    instructions: str
    attempts: Count


@verb()
def extract(
    talk: Talk,
    data: Path,
    *,
    schema: str,
    output: Path | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    **asked: Unpack[Extracting],
) -> None:
    """Extract typed values from texts, one row per object.

    `row` says which text a row is from; a text without a valid result has a row with `error`.

    Examples: `fabula extract bios.csv --schema 'name str, films list[str]'`;
    `fabula extract notes.jsonl --schema shop.models:Order --many -o orders.parquet`

    Options:
        data (DATA): CSV, JSON Lines, Parquet …
        schema (SCHEMA): `name str, films list[str], year int?`, `module:Class`, or a JSON Schema's
            file.
        output: File to write; by default `NAME-extracted.csv`.
        dry_run: Print every prompt; call and write nothing.
        overwrite: Replace the file to write.
    """
    from fabula.describing.extract import prompts_of
    from fabula.describing.files import beside, extract_file
    from fabula.render import amounts

    prompts = prompts_of(data, schema, **asked)
    if dry_run:
        show_prompts(talk, prompts, asked.get("model", "local"))
        return
    target = output or beside(data, "extracted")
    with progress(talk) as watch:
        made = extract_file(
            data,
            schema,
            target,
            overwrite=overwrite,
            **asked,
            progress=counted(watch, data.stem, len(prompts)),
            on_result=lambda result: talk.say(calls_line(result)),
        )
    talk.say(f"Wrote `{target}` (from {amounts.count(len(made), 'text')})")
    talk.hint(f"look at it with `fabula show {pasted(target)}`")
