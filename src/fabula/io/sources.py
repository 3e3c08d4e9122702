"""Data files of any origin into Arrow, and exactly what is wrong with those that can't be read.

The content decides before the ending does: a Parquet file called `.csv` is read as Parquet.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa

from fabula.errors import SourceError
from fabula.io.archives import unpacked
from fabula.io.claimed_sizes import check_columns, check_unpacked
from fabula.io.csv_files import read_csv
from fabula.io.destinations import Target, destination_of
from fabula.io.formats import (
    ENDINGS,
    FILE_FORMATS,
    FileFormat,
    book_format,
    is_data,
    table_name,
)
from fabula.io.json_files import json_rows
from fabula.io.names import check_shares, missing_file, refuse_address
from fabula.io.notes import notes_of, with_notes, without_notes
from fabula.io.read import TableRows, read_files
from fabula.io.run_files import MANIFEST, check_unchanged, inside, read_object
from fabula.types import Path as PathLike

_OTHERS = {
    b"SQLite format 3": "a SQLite database",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_JSON = ("json", "jsonl")
_SNIFFED = 64 * 1024
_PART = re.compile(r"part[-_.]?\d|.*-\d+-of-\d+\b", re.IGNORECASE)
"""What the parts of one table are called by those who write them."""


def read_source(path: PathLike, *, as_written: bool = False) -> TableRows:
    """The rows of a file, or of a folder that holds the parts of one table.

    Columnar files are opened and not read; text files are read. With `as_written`, values of CSV
    stay the texts that are in the file.

    Raises:
        SourceError: There is no such file, or it can't be read; with its line if known.
    """
    if (target := database_of(path)) is not None:
        name, *others = tables = target.tables()
        if others:
            raise _several(target.place, tables, f"add one to it: `?table={name}`")
        return tables[name]()
    place = _existing(Path(path))
    if place.is_dir():
        return _read_folder(place, as_written)
    if book := book_format(place):
        return _only_table(place, book)
    if _is_archive(place):
        return _read_archive(place, as_written)
    kind = _kind(place)
    with _reading(place):
        if FILE_FORMATS[kind].dataset:
            rows = read_files([place], kind, None)
            _check_names(rows.schema.names, place)
            return rows
        read = FILE_FORMATS[kind].reader()
        table = read_csv(place, as_written=True) if as_written and kind == "csv" else read(place)
    _check_names(table.column_names, place)
    return table


def read_json_rows(path: PathLike) -> list[dict[str, Any]] | None:
    """The rows of a JSON file, each value as it is there; None if `read_source` is to read.

    Raises:
        SourceError: There is no such file, or it can't be read; with its line if known.
    """
    if database_of(path) is not None:
        return None
    place = _existing(Path(path))
    if place.is_dir() or _is_archive(place) or (kind := _kind(place)) not in _JSON:
        return None
    with _reading(place):
        return json_rows(place, by_line=kind == "jsonl")


def _only_table(path: Path, book: FileFormat) -> pa.Table:
    """The table of a file that could hold several.

    Raises:
        SourceError: It does.
    """
    tables = book.tables_of(path)
    if len(tables) > 1:
        raise _several(str(path), tables, "for one, save its sheet as CSV")
    return next(iter(tables.values()))


def _several(place: str, tables: Iterable[str], way: str) -> SourceError:
    """The error of a source that has several tables, if one is wanted."""
    names = list(tables)
    return SourceError(
        f"`{place}` holds {len(names)} tables: {', '.join(f'`{name}`' for name in names)}",
        code="source.several",
        where=place,
        hint=f"`fabula show`, `init`, `fit` and `evaluate` take them all; {way}",
    )


def database_of(path: PathLike) -> Target | None:
    """The database that an address or a file is; None for all other sources."""
    target = destination_of(path)
    is_read = target is not None and bool(target.entry.schemes) and target.entry.reads is not None
    return target if is_read else None


def is_source(path: PathLike) -> bool:
    """Whether a text is the path of something there, or an address that is read."""
    return database_of(path) is not None or Path(path).exists()


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    """Bounds what a file unpacks to, and says what is wrong with one that can't be read.

    Raises:
        SourceError: It unpacks to too much, or can't be read.
    """
    try:
        if place.suffix.lower() == ".gz":
            check_unpacked(place)
        yield
    except (pa.ArrowException, UnicodeDecodeError) as exc:
        raise _broken(place, str(exc)) from exc
    except OSError as exc:
        raise _broken(place, exc.strerror or str(exc)) from exc
    except MemoryError as exc:
        raise _broken(place, "it does not fit into memory") from exc


def read_tables(path: PathLike) -> dict[str, TableRows]:
    """Every table of a file, a workbook or a folder, such as a run's, by name.

    In a folder each file is a table, and so is each folder of files; files that are called parts
    (`part-0.parquet`) are one table. In a workbook each sheet is a table.

    Raises:
        SourceError: There is no table, or one can't be read.
    """
    if (target := database_of(path)) is not None:
        return {name: rows() for name, rows in target.tables().items()}
    folder = Path(path)
    if not folder.is_dir() and (book := book_format(folder)):
        sheets = book.tables_of(folder)
        return sheets if len(sheets) > 1 else {folder.stem: next(iter(sheets.values()))}
    if not folder.is_dir():
        return {table_name(folder): read_source(folder)}
    if run := _run_files(folder):
        return {name: _read_run(files) for name, files in run.items()}
    return {name: read_parts(files) for name, files in _tables_of(folder).items()}


_READABLE: Final = "give a CSV, JSON Lines, Parquet, Arrow or Excel file"


def _existing(path: Path) -> Path:
    """The path, or the file that is meant by it: `out/orders` for `out/orders.parquet`."""
    if path.exists():
        return path
    if not path.suffix:
        for ending in ENDINGS:
            if path.with_suffix(ending).is_file():
                return path.with_suffix(ending)
    refuse_address(path, SourceError, "download it, and give the file")
    raise missing_file(path)


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError as exc:
        raise _broken(path, exc.strerror or str(exc)) from exc


def _read_archive(path: Path, as_written: bool) -> pa.Table:
    """The table of the only data file of an archive."""
    with TemporaryDirectory() as folder:
        file = unpacked(path, Path(folder))
        try:
            rows = read_source(file, as_written=as_written)
            table = rows if isinstance(rows, pa.Table) else rows.to_table()
        except SourceError as exc:
            exc.message = exc.message.replace(str(file), f"{path}/{file.name}")
            exc.file = str(path)
            raise
    return table


def _kind(path: Path) -> str:
    """The format of a file, by its first bytes, else by its ending."""
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
    except OSError as exc:
        raise _broken(path, exc.strerror or str(exc)) from exc
    if not start:
        raise SourceError(f"`{path}` is empty", code="source.empty", file=str(path), hint=_READABLE)
    named = ENDINGS.get(path.suffix.lower())
    if named is not None and not FILE_FORMATS.is_builtin(named):
        return named  # who adds a format knows its files
    for entry in FILE_FORMATS.known().values():
        if entry.magic and start.startswith(entry.magic):
            return entry.name
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise _no_table(path, what)
    compressed = path.suffix.lower() == ".gz"
    ending = Path(path.stem).suffix if compressed else path.suffix
    if b"\0" in start and not compressed and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _no_table(path, "a binary file")
    looks = {b"{": "jsonl", b"[": "json"}.get(start.lstrip()[:1], "csv")
    meant = ENDINGS.get(ending.lower(), looks)
    return looks if FILE_FORMATS[meant].tells else meant  # what it tells was asked before


def _read_folder(folder: Path, as_written: bool) -> TableRows:
    """The only table of a folder."""
    run = _run_files(folder)
    if run:
        return _read_run(_only(run, folder), as_written)
    return read_parts(_only(_tables_of(folder), folder), as_written)


def _only(tables: dict[str, list[Path]], folder: Path) -> list[Path]:
    """The files of the only table of a folder.

    Raises:
        SourceError: There are several.
    """
    if len(tables) > 1:
        names = ", ".join(f"`{folder / name}`" for name in tables)
        raise SourceError(
            f"`{folder}` holds {len(tables)} tables",
            code="source.several",
            where=str(folder),
            hint=f"name one of {names}",
        )
    return next(iter(tables.values()))


def _run_files(folder: Path) -> dict[str, list[Path]]:
    """The files of each table of a finished run; nothing if the folder contains none.

    Raises:
        SourceError: The manifest names a file outside the folder or a link, or a file was changed.
    """
    manifest = read_object(folder / MANIFEST) or {}
    try:
        found = {
            name: {inside(folder, file["path"]): str(file["sha256"]) for file in table["files"]}
            for name, table in manifest["tables"].items()
        }
    except (LookupError, TypeError, AttributeError):  # another program's manifest
        return {}
    for files in found.values():
        for path, sha256 in files.items():
            check_unchanged(path, sha256)
    return {name: list(files) for name, files in found.items()}


def _tables_of(folder: Path) -> dict[str, list[Path]]:
    """The files of each table of a folder that is not a run's.

    Raises:
        SourceError: There is none, two have one name, or the shares of one don't fit together.
    """
    files = _data_files(folder)
    folders = [item for item in sorted(folder.iterdir()) if item.is_dir() and _data_files(item)]
    if files and not folders and all(_PART.match(file.name) for file in files):
        check_shares(folder, [file.name for file in files])
        return {folder.resolve().name: files}
    tables: dict[str, list[Path]] = {}
    for name, found in [
        *((table_name(file), [file]) for file in files),
        *((item.name, _only(_tables_of(item), item)) for item in folders),
    ]:
        if name in tables:
            both = " and ".join(f"`{item}`" for item in (tables[name][0], found[0]))
            raise SourceError(
                f"`{name}` of `{folder}` exists twice: {both}",
                code="source.several",
                where=str(folder),
                hint="move one of them away, or give a single file",
            )
        tables[name] = found
    if not tables:
        raise _without_data(folder)
    return tables


def _data_files(folder: Path) -> list[Path]:
    """The data files of a folder in their order."""
    return sorted(item for item in folder.iterdir() if is_data(item.name))


def _read_run(files: list[Path], as_written: bool = False) -> TableRows:
    """A run's table in the first of the formats that it was written in."""
    return read_parts([file for file in files if file.suffix == files[0].suffix], as_written)


def read_parts(parts: list[Path], as_written: bool = False) -> TableRows:
    """Files of one table as one; a column that some of them lack is missing in their rows."""
    if len(parts) == 1:
        return read_source(parts[0], as_written=as_written)
    found = [read_source(part, as_written=as_written) for part in parts]
    packed = (_is_archive(part) or book_format(part) is not None for part in parts)
    kinds = {"packed" if odd else _kind(part) for odd, part in zip(packed, parts, strict=True)}
    same = all(rows.schema == found[0].schema for rows in found)
    (kind, *others) = kinds
    if same and not others and kind in FILE_FORMATS and FILE_FORMATS[kind].dataset:
        return read_files(parts, kind, None)
    tables = [rows if isinstance(rows, pa.Table) else rows.to_table() for rows in found]
    try:
        whole = pa.concat_tables(map(without_notes, tables), promote_options="permissive")
    except pa.ArrowException as exc:
        raise _broken(parts[0].parent, f"its files don't fit together: {exc}") from exc
    return with_notes(whole, _notes_of_parts(parts, tables, whole))


def _notes_of_parts(parts: list[Path], tables: list[pa.Table], whole: pa.Table) -> list[str]:
    """What the reader said about each file of a table, and the columns that one lacks."""
    told = []
    for part, table in zip(parts, tables, strict=True):
        told += [f"{part.name}: {note}" for note in notes_of(table)]
        lacking = [f"`{name}`" for name in whole.column_names if name not in table.column_names]
        if lacking:
            told.append(
                f"{part.name}: has no {', '.join(lacking)}: missing in its {table.num_rows:,} rows"
            )
    return told


def _check_names(names: list[str], path: Path) -> None:
    """Refuse a column that appears twice: its values could not be told apart; and too many.

    Raises:
        SourceError: There are some.
    """
    check_columns(len(names), path)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(
            f"column `{twice[0]}` of `{path}` appears {names.count(twice[0])} times",
            code="source.repeated-column",
            file=str(path),
            line=1,
            hint="rename one of them",
        )


def _without_data(folder: Path) -> SourceError:
    hint = "give a file, or a folder of Parquet, CSV, Excel, JSON Lines or Arrow files"
    message = f"`{folder}` holds no data file"
    return SourceError(message, code="source.empty", where=str(folder), hint=hint)


def _broken(path: Path, reason: str) -> SourceError:
    return SourceError(
        f"`{path}` can't be read: {reason.splitlines()[0] if reason else 'unknown reason'}",
        code="source.unreadable",
        file=str(path),
        hint=_READABLE,
    )


def _no_table(path: Path, what: str) -> SourceError:
    return SourceError(
        f"`{path}` is {what}, not a table",
        code="source.unreadable",
        file=str(path),
        hint="save it as CSV, JSON Lines or Parquet",
    )
