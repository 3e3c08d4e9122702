"""`mask`: tables in, the same tables about new people out, with a card that says what was done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from typing_extensions import Unpack

from fabula.io.destinations import Loading, Target, destination_of, names_file
from fabula.io.loading import incoming, load
from fabula.io.names import output_path
from fabula.io.places import check_free, make_folder, write_json, write_text
from fabula.options import known_options
from fabula.privacy.files.csv_bytes import CsvSource
from fabula.privacy.files.parquet import ArrowSource
from fabula.privacy.files.sources import in_memory
from fabula.privacy.files.writing import Work, is_unfinished, spare_originals, write_spans
from fabula.privacy.masked import Masked, card_path, write_load_card, written_folder
from fabula.privacy.masking import Counts, Masker
from fabula.privacy.prepared import Masking, card_of, fingerprint_of
from fabula.privacy.preparing import MaskOptions, prepare
from fabula.privacy.unmask import check_map, save_map
from fabula.types import Progress, TableLike


@known_options
def mask(
    data: TableLike | Sequence[Path],
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    map: str | os.PathLike[str] | None = None,  # noqa: A002  (the word that users know)
    **options: Unpack[MaskOptions],
) -> Masked:
    """Replace the people in some tables with new people.

    Names, e-mails, addresses, codes and dates of a row follow the row's person, and so agree in
    all tables. What is not personal stays unchanged; kept columns of CSV stay to the byte.

    Args:
        data: Tables in any form; or paths of CSV, JSON and Parquet files and of folders of them.
        output: The folder, or for one table the file, to write to; the data must be files. By
            default, the tables come back in memory.
        overwrite: Whether files that are there may be replaced.
        map: A file to write an encrypted map of new and old values to, which `unmask` and the key
            turn back; by default none is kept.
        **options: `person`: the column that identifies the person, such as `customer_id`.
            `columns`: actions by column, such as `{"city": "keep: confirmed", "note": "redact"}`.
            `locale`: whose names new people have, by default those of the data. `key_file`: the
            key; by default the file that `FABULA_KEY_FILE` names, or a key that is discarded.
            `detector`: finds third parties in notes: `presidio`, the name of a language model such
            as `local`, or an object of `fabula.privacy.notes`.

    Returns:
        The masked tables, and a card that says what was done.

    Raises:
        SpecError: Columns can't be treated as requested; lists all problems.
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
    if map is not None:
        check_map(masking, Path(map), overwrite=overwrite)
    if output is None:
        masked = run(masking)
    elif target := destination_of(output):
        masked = load_masked(masking, target, Loading(overwrite=overwrite))
    else:
        masked = write(masking, output_path(output), overwrite=overwrite)
    if map is not None:
        save_map(masking, Path(map))
    return masked


def run(masking: Masking) -> Masked:
    """Mask tables into memory."""
    masked = {name: _Stream.of(masking, name) for name in masking.sources}
    tables = {
        name: pa.concat_tables([each.schema.empty_table(), *each.blocks()])
        for name, each in masked.items()
    }
    return Masked(tables, card_of(masking, {name: each.counts for name, each in masked.items()}))


def load_masked(masking: Masking, target: Target, loading: Loading) -> Masked:
    """Mask tables into a destination, block by block; its load is in the card.

    Raises:
        SinkError: The destination refuses; it is as it was.
    """
    sink, masked = target.open(loading), {n: _Stream.of(masking, n) for n in masking.sources}
    wanted = incoming({name: each.schema for name, each in masked.items()})
    sink.check(wanted)
    record: dict[str, Any] = {"masking": {}}

    def blocks(name: str) -> Iterator[pa.Table]:
        yield from masked[name].blocks()
        record["masking"] = card_of(masking, {n: each.counts for n, each in masked.items()})

    loaded = load(sink, wanted, blocks, record)
    return Masked({}, write_load_card(record["masking"], target, sink, loaded))


@dataclass(frozen=True)
class _Stream:
    """A table that is masked block by block."""

    source: ArrowSource | CsvSource
    form: ArrowSource
    masker: Masker
    dropped: list[str]

    @classmethod
    def of(cls, masking: Masking, name: str) -> _Stream:
        """The table of that name; columns that were found in no plan are dropped."""
        masker, source = masking.masker(name), masking.sources[name]
        if not isinstance(source, CsvSource):
            source = in_memory(source)
        unknown = [column for column in source.names if column not in masker.table.columns]
        form = source if isinstance(source, ArrowSource) else ArrowSource(source.no_rows())
        return cls(source, form, masker, [*masking.dropped(name), *unknown])

    @property
    def schema(self) -> pa.Schema:
        """The columns of the masked table."""
        return self.form.masked_schema(self.dropped)

    @property
    def counts(self) -> Counts:
        """What was masked so far."""
        return self.masker.counts

    def blocks(self) -> Iterator[pa.Table]:
        """The masked blocks."""
        for block in self.source.tables(self.source.names):
            yield self.form.masked(block, self.masker.mask(block), self.dropped)


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
    if not masking.files:  # the tables of a database or an address
        check_free(output, overwrite=overwrite, folder=not names_file(output))
        masked = run(masking)
        masked.write(output)
        return masked
    single = len(masking.files) == 1 and names_file(output) and not output.is_dir()
    card = card_path(output, single=single)
    targets = {
        name: output if single else output / file.name for name, file in masking.files.items()
    }
    spare_originals(targets, masking.files)
    journal = card.with_name(f".{card.name}.masking")
    fingerprint = fingerprint_of(masking)
    done = _finished(journal, fingerprint)
    if not done and not any(map(is_unfinished, targets.values())):
        check_free(output, overwrite=overwrite, folder=not single)
    for name, target in targets.items():
        if name not in done:
            check_free(target, overwrite=overwrite)  # also where other files are unfinished
    if not single:
        make_folder(output)
    counts: dict[str, Counts] = {}
    for name, target in targets.items():
        tables = masking.tables_of(name)
        if name in done and target.exists():
            counts |= {table: done[table] for table in tables if table in done}
            continue
        maskers = {table: masking.masker(table) for table in tables}
        told = _Told(progress, name, maskers[name].counts, masking.sources[name].about_rows())
        if not is_unfinished(target):
            told(rows=0)
        dropped = {table: masking.dropped(table) for table in tables}
        sources = {table: masking.sources[table] for table in tables}
        Work(sources, maskers, dropped, fingerprint, told).write(target)
        told(is_done=True)
        write_spans(written_folder(output), maskers)
        counts |= {table: masker.counts for table, masker in maskers.items()}
        finished = {each: [fingerprint, asdict(known)] for each, known in counts.items()}
        write_text(journal, json.dumps(finished))
    made = card_of(masking, counts)
    write_json(card, made)
    journal.unlink(missing_ok=True)
    return Masked({}, made)


@dataclass(frozen=True)
class _Told:
    """Tells how many rows of a table are done, of about how many."""

    progress: Progress | None
    name: str
    counts: Counts
    about: int

    def __call__(self, *, rows: int | None = None, is_done: bool = False) -> None:
        done = self.counts.rows if rows is None else rows
        if self.progress is not None:
            self.progress(self.name, done, done if is_done else max(done + 1, self.about))


def _finished(journal: Path, wanted: str) -> dict[str, Counts]:
    """The tables that an earlier run of the same masking finished."""
    try:
        known = json.loads(journal.read_text(encoding="utf-8"))
        return {
            name: Counts(**counts)
            for name, (fingerprint, counts) in known.items()
            if fingerprint and fingerprint == wanted
        }
    except (OSError, ValueError, TypeError):
        return {}
