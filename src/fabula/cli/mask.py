"""`fabula mask`: replaces the people in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Unpack

import typer

from fabula.cli.arguments import Loads, Names, Output, read_pairs
from fabula.cli.console import Talk, pasted
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import UsageError


def _actions(texts: Sequence[str]) -> dict[str, str]:
    return {name: action.strip() for name, action in read_pairs("--column", texts, "city=redact")}


@verb()
def mask(
    talk: Talk,
    data: list[Path] | None = None,
    *,
    output: Output = None,
    person: str | None = None,
    column: Annotated[Mapping[str, str] | None, Read(_actions, many=True)] = None,
    locale: Names | None = None,
    key_file: Path | None = None,
    new_key: Path | None = None,
    map: Path | None = None,  # noqa: A002  (the word that users know)
    detector: str | None = None,
    preview: bool = False,
    overwrite: bool = False,
    **loading: Unpack[Loads],
) -> None:
    """Replace the people in tables with new people.

    Personal columns are found, and each one's treatment is printed with its reason. Names, e-mails,
    addresses and dates agree for each person across all tables. Codes keep their form and check
    digits. Kept columns of CSV are copied byte for byte.

    Options:
        data (DATA): CSV, JSON or Parquet files, or folders of them.
        output (PLACE): Folder to write; for one table also a file. Or one destination for all
            tables: a file such as `people.sqlite`, or a database's address.
        person (COLUMN): Column that identifies the person.
        column (NAME=ACTION): What to do with a column: `keep: confirmed`, `replace: email`,
            `shift`, `generalise: 10`, `jitter: 2km`, `redact`, `drop`; repeatable.
        locale (LOCALES): Names of new people: `en,de`.
        key_file (FILE): Key that makes separate maskings agree; by default that of FABULA_KEY_FILE,
            else a key that is discarded.
        new_key (FILE): Write a new key, and use it.
        map (FILE): Also write an encrypted map of new and old values, for `fabula unmask`.
        detector (NAME): Finds people in notes who are not in the tables: `presidio`, a plug-in's
            detector, or a language model that may read the notes, such as `local`.
        preview: Show values before and after; write nothing.
        overwrite: Replace what is there.
    """
    from fabula.io.destinations import allowing, destination_of
    from fabula.privacy.mask import load_masked, write
    from fabula.privacy.masked import warning_lines
    from fabula.privacy.preparing import prepare
    from fabula.privacy.unmask import check_map, save_map
    from fabula.render import amounts
    from fabula.reports.maskings import plan_lines, preview_lines, promise_of

    key_file = _new_key(talk, new_key, key_file)
    if not data:
        if new_key is not None:
            return
        raise UsageError(
            "nothing to mask", code="usage.missing", hint="fabula mask people.csv -o masked/"
        )
    if output is None and not preview:
        raise UsageError(
            "`fabula mask` needs a place to write to",
            code="usage.missing",
            hint=f"fabula mask {' '.join(pasted(path) for path in data)} -o masked/",
        )
    masking = prepare(
        data,
        person=person,
        columns=dict(column or {}),
        locale=list(locale or ()),
        key_file=key_file,
        detector=detector,
    )
    if preview:
        typer.echo("\n".join(preview_lines(masking)))
        return
    if map is not None:
        check_map(masking, map, overwrite=overwrite)
    permitted = allowing(loading, overwrite=overwrite)
    target = destination_of(output, permitted)
    for line in plan_lines(masking):
        talk.say(line)
    with progress(talk, resumes=target is None) as watch:
        if target is not None:
            masked = load_masked(masking, target, permitted)
        else:
            masked = write(masking, Path(output or ""), overwrite=overwrite, progress=watch)
    if map is not None:
        save_map(masking, map)
    for line in warning_lines(masked.card):
        talk.say(f"warning: {line}")
    tables = masked.card["tables"].values()
    rows = amounts.count(sum(table["rows"] for table in tables), "row")
    talk.say(f"Wrote `{output}` ({amounts.count(len(tables), 'table')}, {rows})")
    if told := masked.card.get("destination", {}).get("card"):
        talk.say(f"Wrote the card `{told}`")
    talk.say(promise_of(masked.card))
    if map is not None:
        talk.say(f"Wrote the encrypted map `{map}`: with the key, it restores the real values")
    _hint_scan(talk, data, output)


def _hint_scan(talk: Talk, data: list[Path], output: Path | str | None) -> None:
    if isinstance(output, Path):  # not an address, whose files are elsewhere
        real = pasted(data[0]) if len(data) == 1 else "REAL"
        talk.hint(f"search it: `fabula scan {pasted(output)} --against {real}`")


def _new_key(talk: Talk, new_key: Path | None, key_file: Path | None) -> Path | None:
    """The key's file; with `--new-key` it is written first."""
    from fabula.privacy.secret import new_key as make_key

    if new_key is None:
        return key_file
    if key_file is not None:
        raise UsageError(
            "`--new-key` and `--key-file` both give a key", code="usage.option", hint="give one"
        )
    made = make_key(new_key)
    talk.say(f"Wrote the key `{new_key}` ({made.fingerprint}); anyone who has it can link maskings")
    return new_key
