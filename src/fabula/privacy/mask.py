"""`mask`: tables in, the same tables about new people out, with a card that says what was done."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import Unpack

from fabula.errors import SinkError
from fabula.fakers.locales import load_locale
from fabula.io.formats import names_file
from fabula.io.names import file_stem
from fabula.io.places import check_free, make_folder, replacing, write_json, write_text
from fabula.options import known_options
from fabula.privacy.files.csv_bytes import CsvSource
from fabula.privacy.files.sources import in_memory, sources_of
from fabula.privacy.files.writing import is_unfinished, write_csv, write_parquet
from fabula.privacy.first_pass import Known
from fabula.privacy.labels import full, naming_people
from fabula.privacy.masked import WRITTEN, Masked, card_path
from fabula.privacy.masking import Counts, Masker
from fabula.privacy.notes import Detector, Everyone
from fabula.privacy.people import EMAIL, NewPeople
from fabula.privacy.prepared import Masking, card_of, fingerprint_of
from fabula.privacy.proposing import NAMES, propose
from fabula.privacy.secret import Secret
from fabula.privacy.texts import are_people
from fabula.types import Progress, TableLike


class MaskOptions(TypedDict, total=False):
    """What `mask` and `prepare` can be told, as `mask` explains it."""

    person: str | None
    columns: Mapping[str, str]
    locale: Sequence[str]
    key_file: str | os.PathLike[str] | None
    detector: Detector | None


@known_options
def mask(
    data: TableLike | Sequence[Path],
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **options: Unpack[MaskOptions],
) -> Masked:
    """Replace the people in some tables with new people.

    Names, e-mails, addresses, codes and dates of a row follow the row's person, and so agree in
    all tables. What is not personal stays as it is; kept columns of CSV stay to the byte.

    Args:
        data: Tables in any form; or paths of CSV and Parquet files and of folders of them.
        output: The folder, or for one table the file, to write to; the data must be files. By
            default, the tables come back in memory.
        overwrite: Whether files that are there may be replaced.
        **options: `person`: the column that tells the person, such as `customer_id`. `columns`:
            actions by column, such as `{"city": "keep: confirmed", "note": "redact"}`. `locale`:
            whose names new people have, by default those of the data. `key_file`: the key; by
            default the file that `FABULA_KEY_FILE` names, or a key that is thrown away.
            `detector`: finds third parties in notes, such as `PresidioDetector()` of
            `fabula.privacy.notes`.

    Returns:
        The masked tables, and a card that says what was done.

    Raises:
        SpecError: Columns can't be treated as asked; all problems at once.
        SourceError: A file can't be read.
        SinkError: The output exists, or can't be written.
        PrerequisiteError: The key file or the extra `mask` is missing.

    Examples:
        >>> people = {"email": [f"p{n}@mail.example" for n in range(9)], "n": list(range(9))}
        >>> masked = mask(people, columns={"n": "keep"}).table
        >>> masked["n"].to_pylist() == people["n"], masked["email"][0].as_py() == people["email"][0]
        (True, False)
    """
    masking = prepare(data, **options)
    if output is None:
        return run(masking)
    return write(masking, Path(output), overwrite=overwrite)


def prepare(data: TableLike | Sequence[Path], **options: Unpack[MaskOptions]) -> Masking:
    """Look at data, and decide what a masking does to each column; nothing is written.

    Args:
        data: As for `mask`.
        **options: As for `mask`.

    Raises:
        FabulaError: As `mask`.
    """
    key_file = options.get("key_file")
    secret = Secret.find(Path(key_file) if key_file else None)
    sources, files, notes = sources_of(data)
    samples = {name: source.sample() for name, source in sources.items()}
    plan = propose(
        samples,
        person=options.get("person"),
        columns=options.get("columns") or {},
        locales=_codes(options.get("locale") or ()),
        finds_third_parties=options.get("detector") is not None,
    )
    plan = naming_people(plan, samples, sources)
    by_alias = {
        n for n, table in plan.tables.items() if table.person and table.person.tags[0] == EMAIL
    }
    named = [
        t
        for t in plan.tables.values()
        if t.person and any(a.detail in NAMES for a in t.columns.values())
    ]
    tells_sexes = any(table.sex for table in named) and not all(table.sex for table in named)
    known = Known(secret, plan.locales, joins=bool(by_alias), tells_sexes=tells_sexes)
    for name, source in sources.items():
        columns = known.columns(plan.tables[name])
        for block in source.tables(columns) if columns else ():
            known.add(plan.tables[name], block)
    find = known.finder()
    tables = {
        name: replace(table, aliases=find) if name in by_alias else table
        for name, table in plan.tables.items()
    }
    locales, said = known.locales()
    if known.ambiguous:
        several = (
            "1 e-mail belongs" if known.ambiguous == 1 else f"{known.ambiguous:,} e-mails belong"
        )
        said.append(f"{several} to several people, and can't tell whose row is whose")
    for name, table in plan.tables.items():
        if secret.kept and table.sex and table in named:
            told = f"first names of `{name}` agree with `{table.sex.name}`"
            said.append(f"{told}; files without that column give other names")
    taken = known.taken if secret.kept or said else None  # else no word of a real name recurs
    people = NewPeople(secret, locales, taken, known.sex_finder())
    noted = (*notes, *plan.notes, *said)
    plan, detector = replace(plan, tables=tables), options.get("detector")
    masking = Masking(sources, files, plan, secret, people, noted, detector=detector)
    with_notes = any(a.action == "notes" for t in tables.values() for a in t.columns.values())
    return replace(masking, everyone=_everyone(masking)) if with_notes else masking


def _everyone(masking: Masking) -> Everyone:
    """The identifiers of all people in all tables, and what takes their place."""
    everyone = Everyone(single_names=not masking.secret.kept)
    for name, source in masking.sources.items():
        masker = masking.masker(name)
        columns = {
            column: action
            if action.action == "replace" and action.detail != "key"
            else replace(action, action="keep")
            for column, action in masker.table.columns.items()
        }
        searched = replace(masker, table=replace(masker.table, columns=columns), counts=Counts())
        told = any(action.action != "keep" for action in columns.values())
        for block in source.tables(source.names) if told else ():
            made, names = searched.mask(block), {}
            for column, new in made.items():
                real = are_people(block.column(column)).combine_chunks()
                old = block.column(column).combine_chunks().cast(pa.large_string())
                detail = columns[column].detail
                everyone.add(detail, old.filter(real), new.filter(real))
                names[detail] = (old, new.cast(pa.large_string()))
            if {"first_name", "last_name"} <= names.keys():
                parts = zip(names["first_name"], names["last_name"], strict=True)
                everyone.add("name", *(full(*pair) for pair in parts))
    return everyone


def run(masking: Masking) -> Masked:
    """Mask tables into memory."""
    tables, counts = {}, {}
    for name, source in masking.sources.items():
        masker, dropped = masking.masker(name), masking.dropped(name)
        counts[name] = masker.counts
        arrow = in_memory(source)
        blocks = []
        for block in arrow.tables(arrow.names):
            blocks.append(arrow.masked(block, masker.mask(block), dropped))
        tables[name] = pa.concat_tables([arrow.masked_schema(dropped).empty_table(), *blocks])
    return Masked(tables, card_of(masking, counts))


def write(
    masking: Masking,
    output: Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Masked:
    """Mask files into files of the same form; a stopped run continues.

    Args:
        masking: What to do.
        output: A folder, or a file where one table is masked.
        overwrite: Whether what is there may be replaced.
        progress: Hears of each table, of its rows that are done, and of about how many it has.

    Raises:
        SinkError: The place exists, or can't be written.
    """
    single = len(masking.files) == 1 and names_file(output) and not output.is_dir()
    card = card_path(output, single=single)
    targets = {
        name: output if single else output / file.name for name, file in masking.files.items()
    }
    _spare_originals(targets, masking.files)
    journal = card.with_name(f".{card.name}.masking")
    prints = {name: fingerprint_of(masking, name) for name in targets}
    done = _finished(journal, prints)
    if not done and not any(map(is_unfinished, targets.values())):
        check_free(output, overwrite=overwrite, folder=not single)
    for name, target in targets.items():
        if name not in done:
            check_free(target, overwrite=overwrite)  # also where other files are unfinished
    if not single:
        make_folder(output)
    counts: dict[str, Counts] = {}
    for name, target in targets.items():
        if name in done and target.exists():
            counts[name] = done[name]
            continue
        masker, dropped = masking.masker(name), masking.dropped(name)
        source, counts[name] = masking.sources[name], masker.counts

        about = source.about_rows()
        if progress is not None and not is_unfinished(target):
            progress(name, 0, about)

        def heard(name: str = name, known: Counts = masker.counts, about: int = about) -> None:
            if progress is not None:
                progress(name, known.rows, max(known.rows + 1, about))

        if isinstance(source, CsvSource):
            write_csv(source, target, masker, dropped, fingerprint=prints[name], told=heard)
        else:
            write_parquet(source, target, masker, dropped, heard)
        if progress is not None:
            progress(name, counts[name].rows, counts[name].rows)
        if not single:
            _write_spans(output / WRITTEN, name, masker)
        finished = {each: [prints[each], asdict(known)] for each, known in counts.items()}
        write_text(journal, json.dumps(finished))
    made = card_of(masking, counts)
    write_json(card, made)
    journal.unlink(missing_ok=True)
    return Masked({}, made)


def _spare_originals(targets: Mapping[str, Path], files: Mapping[str, Path]) -> None:
    for name, target in targets.items():
        if target.exists() and target.samefile(files[name]):
            raise SinkError(
                f"`{target}` is the original",
                code="mask.original",
                where=str(target),
                hint="choose another place with `-o`",
            )


def _write_spans(folder: Path, name: str, masker: Masker) -> None:
    """Tell the leak scan which places of notes the masking wrote."""
    for column, spans in masker.spans.items():
        make_folder(folder)
        with replacing(folder / f"{file_stem(f'{name}.{column}')}.parquet") as temporary:
            pq.write_table(pa.concat_tables(spans), temporary)


def _finished(journal: Path, prints: Mapping[str, str]) -> dict[str, Counts]:
    """The tables that an earlier run of the same masking finished."""
    try:
        known = json.loads(journal.read_text(encoding="utf-8"))
        return {
            name: Counts(**counts)
            for name, (fingerprint, counts) in known.items()
            if fingerprint and fingerprint == prints.get(name)
        }
    except (OSError, ValueError, TypeError):
        return {}


def _codes(locales: Sequence[str]) -> tuple[str, ...]:
    codes = [locales] if isinstance(locales, str) else locales
    return tuple(load_locale(code).code for code in codes)
