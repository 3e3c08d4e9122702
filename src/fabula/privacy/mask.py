"""`mask`: tables in, the same tables about new people out, with a card that says what was done."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
from typing_extensions import Unpack

from fabula.errors import SinkError, SourceError, UsageError
from fabula.fakers.locales import load_locale
from fabula.io.formats import names_file
from fabula.io.places import check_free, make_folder, write_text
from fabula.io.tables import as_table, forms_in
from fabula.options import known_options
from fabula.privacy.files.csv_bytes import CsvSource
from fabula.privacy.files.parquet import ArrowSource
from fabula.privacy.files.writing import is_unfinished, write_csv, write_parquet
from fabula.privacy.first_pass import Known
from fabula.privacy.masking import EMAIL, Counts, Masker
from fabula.privacy.people import NewPeople
from fabula.privacy.proposing import MaskPlan, propose
from fabula.privacy.secret import Secret
from fabula.types import Progress, TableLike

CARD = "card.json"
_SHOWN = 3

Source = CsvSource | ArrowSource


class MaskOptions(TypedDict, total=False):
    """Options of a masking.

    Attributes:
        person: The column that tells the person, such as `customer_id`.
        columns: Actions by column, such as `{"city": "keep: confirmed", "note": "redact"}`.
        locale: Whose names new people have; by default, those of the names in the data.
        key_file: The file of the key; by default the one that `FABULA_KEY_FILE` names, or a key
            that is thrown away.
    """

    person: str | None
    columns: Mapping[str, str]
    locale: Sequence[str]
    key_file: str | os.PathLike[str] | None


@dataclass(frozen=True, eq=False)
class Masking:
    """What a masking is going to do.

    Attributes:
        sources: Where the rows of each table are.
        files: The file of each table; empty for tables in memory.
        plan: What happens to each column.
        secret: The key.
        people: The new people.
        notes: What people should know.
    """

    sources: Mapping[str, Source]
    files: Mapping[str, Path]
    plan: MaskPlan
    secret: Secret
    people: NewPeople
    notes: tuple[str, ...] = ()

    @property
    def promise(self) -> str:
        """Which of the two promises about names holds."""
        return "keyed" if self.secret.kept else "one-off"

    def masker(self, name: str) -> Masker:
        """Makes the new columns of a table."""
        return Masker(self.secret, self.people, self.plan.tables[name])

    def dropped(self, name: str) -> list[str]:
        """The columns of a table that are left out."""
        return [c for c, a in self.plan.tables[name].columns.items() if a.action == "drop"]

    def preview(self, rows: int = _SHOWN) -> dict[str, dict[str, list[tuple[Any, Any]]]]:
        """Some values of each column that changes, before and after, by table."""
        shown: dict[str, dict[str, list[tuple[Any, Any]]]] = {}
        for name, source in self.sources.items():
            block = next(iter(source.tables(source.names)), None)
            some = block.slice(0, rows) if block is not None else pa.table({})
            new = self.masker(name).mask(some) if some.num_rows else {}
            shown[name] = {
                column: list(zip(some.column(column).to_pylist(), values.to_pylist(), strict=True))
                for column, values in new.items()
            }
        return shown


@dataclass(frozen=True)
class Masked:
    """What a masking did.

    Attributes:
        tables: The masked tables by name; empty where they were written to files.
        card: What was done, as JSON-ready values without any of the data.
    """

    tables: Mapping[str, pa.Table] = field(repr=False)
    card: Mapping[str, Any]

    @property
    def table(self) -> pa.Table:
        """The only table.

        Raises:
            UsageError: There are several, or none in memory.
        """
        if len(self.tables) != 1:
            raise UsageError(
                f"there are {len(self.tables)} tables in memory",
                code="mask.several",
                hint="take one of `.tables` by its name",
            )
        return next(iter(self.tables.values()))


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
        **options: As `MaskOptions`.

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
        **options: As `MaskOptions`.

    Raises:
        FabulaError: As `mask`.
    """
    key_file = options.get("key_file")
    secret = Secret.find(Path(key_file) if key_file else None)
    sources, files, notes = _sources(data)
    plan = propose(
        {name: source.sample() for name, source in sources.items()},
        person=options.get("person"),
        columns=options.get("columns") or {},
        locales=_codes(options.get("locale") or ()),
    )
    by_alias = {
        n for n, table in plan.tables.items() if table.person and table.person.tags[0] == EMAIL
    }
    known = Known(secret, plan.locales, joins=bool(by_alias))
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
        said.append(f"{known.ambiguous:,} e-mails belong to several people, and join nobody")
    people = NewPeople(secret, locales, known.taken())
    noted = (*notes, *plan.notes, *said)
    return Masking(sources, files, replace(plan, tables=tables), secret, people, noted)


def run(masking: Masking) -> Masked:
    """Mask tables into memory."""
    tables, counts = {}, {}
    for name, source in masking.sources.items():
        masker, dropped = masking.masker(name), masking.dropped(name)
        counts[name] = masker.counts
        arrow = source if isinstance(source, ArrowSource) else ArrowSource(_whole(source))
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
    card = output.with_name(f"{output.name}.card.json") if single else output / CARD
    targets = {
        name: output if single else output / file.name for name, file in masking.files.items()
    }
    for name, target in targets.items():
        if target.exists() and target.samefile(masking.files[name]):
            raise SinkError(
                f"`{target}` is the original",
                code="mask.original",
                where=str(target),
                hint="choose another place with `-o`",
            )
    journal = card.with_name(f".{card.name}.masking")
    prints = {name: _fingerprint(masking, name) for name in targets}
    done = _finished(journal, prints)
    if not done and not any(map(is_unfinished, targets.values())):
        check_free(output, overwrite=overwrite, folder=not single)
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
        finished = {each: [prints[each], asdict(known)] for each, known in counts.items()}
        write_text(journal, json.dumps(finished))
    made = card_of(masking, counts)
    write_text(card, json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    journal.unlink(missing_ok=True)
    return Masked({}, made)


def card_of(masking: Masking, counts: Mapping[str, Counts]) -> dict[str, Any]:
    """What a masking did, without any of the data."""
    return {
        "format": 1,
        "made_by": f"fabula {version('fabula')}",
        "promise": masking.promise,
        "key": masking.secret.fingerprint if masking.secret.kept else None,
        "status": _STATUS[masking.secret.kept],
        "locales": list(masking.plan.locales),
        "word_lists": _word_lists(masking.plan.locales),
        "notes": list(masking.notes),
        "tables": {
            name: {
                "file": masking.files[name].name if name in masking.files else None,
                "rows": counts[name].rows,
                "person": table.person.columns[0] if table.person else None,
                "person_reason": table.person.reason if table.person else None,
                "columns": {
                    column: action.to_dict()
                    | {
                        told: number[column]
                        for told, number in asdict(counts[name]).items()
                        if told != "rows" and column in number
                    }
                    for column, action in table.columns.items()
                },
            }
            for name, table in masking.plan.tables.items()
        },
    }


_STATUS = {
    True: "pseudonymised: whoever has the key can tell which new person belongs to which old one,"
    " so the data stay personal; kept columns are real",
    False: "pseudonymised without a key: the key was thrown away; kept columns are real",
}


@cache
def _word_lists(codes: tuple[str, ...]) -> str:
    """The fingerprint of the word lists: other lists give other names for the same key."""
    words = (
        text
        for code in codes
        for names in (*load_locale(code).first, *load_locale(code).last)
        for text in (name.text for name in names)
    )
    return hashlib.blake2b("\n".join(words).encode(), digest_size=8).hexdigest()


def _fingerprint(masking: Masking, name: str) -> str:
    """Tells whether an earlier run was of the same masking; empty where the key is thrown away."""
    if not masking.secret.kept:
        return ""
    state = masking.files[name].stat()
    table = masking.plan.tables[name]
    facts = [
        masking.secret.fingerprint, *masking.plan.locales, _word_lists(masking.plan.locales),
        state.st_size, state.st_mtime_ns, table.person, len(masking.people.taken),
        [(column, action.text, action.to_dict()) for column, action in table.columns.items()],
    ]  # fmt: skip
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


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


def _sources(data: Any) -> tuple[dict[str, Source], dict[str, Path], list[str]]:
    """The tables of data, their files, and what is left out."""
    if isinstance(data, str | os.PathLike):
        data = [Path(data)]
    if not (isinstance(data, Sequence) and data and all(isinstance(p, os.PathLike) for p in data)):
        forms = {name: as_table(form, name=name) for name, form in forms_in(data).items()}
        return {name: ArrowSource(table) for name, table in forms.items()}, {}, []
    files: dict[str, Path] = {}
    notes: list[str] = []
    for path in map(Path, data):
        if not path.exists():
            raise SourceError(f"there is no file `{path}`", code="source.missing", where=str(path))
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in (each for each in inside if not each.name.startswith(".")):
            if _maker(file) is None:
                _refuse(file, alone=file == path)
                notes.append(f"`{file.name}` is not masked and not copied: it is no CSV or Parquet")
                continue
            name = file.name.partition(".")[0]
            if name in files:
                raise UsageError(
                    f"`{files[name]}` and `{file}` are both called `{name}`",
                    code="mask.same-name",
                    hint="rename one of them",
                )
            files[name] = file
    if not files:
        raise SourceError(f"there is no table in `{data[0]}`", code="source.no-table",
                          where=str(data[0]), hint="give CSV or Parquet files")  # fmt: skip
    return (
        {name: make(file) for name, file in files.items() if (make := _maker(file))},
        files,
        notes,
    )


_CSV = (".csv", ".tsv", ".txt")


def _maker(path: Path) -> Callable[[Path], Source] | None:
    """What reads a file; None where nothing does. The content decides before the ending does."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return ArrowSource
    endings = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    return CsvSource if endings and endings[0].lower() in _CSV else None


def _refuse(path: Path, *, alone: bool) -> None:
    """Refuse a file that was given by itself and can't be masked."""
    if alone:
        raise SourceError(
            f"`{path}` can't be masked: it is no CSV or Parquet file",
            code="mask.format",
            where=str(path),
            hint=f"convert it first: fabula export {path} -o {path.stem}.parquet",
        )


def _whole(source: CsvSource) -> pa.Table:
    return pa.concat_tables(source.tables(source.names))
