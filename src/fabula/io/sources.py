"""Data files of any origin into Arrow, and exactly what is wrong with those that can't be read.

The content decides before the ending does: a Parquet file called `.csv` is read as Parquet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from fabula.errors import SourceError, did_you_mean
from fabula.io.archives import unpacked
from fabula.io.claimed_sizes import check_columns, check_unpacked
from fabula.io.csv_files import read_csv
from fabula.io.formats import ENDINGS, Format
from fabula.io.json_files import json_rows, read_json, read_json_lines
from fabula.io.read import TableRows, read_files
from fabula.io.run_files import check_unchanged, inside, read_object
from fabula.types import Path as PathLike

_MAGIC: tuple[tuple[bytes, str], ...] = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"))
_COLUMNAR: dict[str, Format] = {"parquet": "parquet", "arrow": "arrow"}
_OTHERS = {
    b"SQLite format 3": "a SQLite database",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_READERS: dict[str, Callable[[Path], pa.Table]] = {
    "csv": read_csv,
    "jsonl": read_json_lines,
    "json": read_json,
}
_AS_WRITTEN: dict[str, Callable[[Path], pa.Table]] = {
    **_READERS,
    "csv": partial(read_csv, as_written=True),
}
_JSON = ("json", "jsonl")
_PACKED = (".gz", ".zip")
_SNIFFED = 64 * 1024
_NO_TABLES = ("run.json", "manifest.json", "rejects.jsonl")
"""Files of a run that hold none of its tables."""


def read_source(path: PathLike, *, as_written: bool = False) -> TableRows:
    """The rows of a file, or of a folder that holds the parts of one table.

    Columnar files are opened and not read; text files are read.

    Args:
        path: The file or folder.
        as_written: Whether values of CSV stay the texts that stand in the file.

    Raises:
        SourceError: There is no such file, or it can't be read; with its line where known.
    """
    place = _existing(Path(path))
    if place.is_dir():
        return _read_folder(place, as_written)
    if _is_archive(place):
        return _read_archive(place, as_written)
    kind = _kind(place)
    with _reading(place):
        if kind in _COLUMNAR:
            rows = read_files([place], _COLUMNAR[kind], None)
            _check_names(rows.schema.names, place)
            return rows
        table = (_AS_WRITTEN if as_written else _READERS)[kind](place)
    _check_names(table.column_names, place)
    return table


def read_json_rows(path: PathLike) -> list[dict[str, Any]] | None:
    """The rows of a JSON file, each value as it stands there; None where `read_source` is to read.

    Raises:
        SourceError: There is no such file, or it can't be read; with its line where known.
    """
    place = _existing(Path(path))
    if place.is_dir() or _is_archive(place) or (kind := _kind(place)) not in _JSON:
        return None
    with _reading(place):
        return json_rows(place, by_line=kind == "jsonl")


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
    """Every table of a folder, such as a run's: a file or a folder of parts each, by name.

    Raises:
        SourceError: There is no table, or one can't be read.
    """
    folder = Path(path)
    if not folder.is_dir():
        return {_table_name(folder): read_source(folder)}
    run = _run_files(folder)
    if run:
        return {name: _read_parts(files, as_written=False) for name, files in run.items()}
    parts = {_table_name(item): item for item in _parts(folder)}
    parts |= {
        item.name: item for item in sorted(folder.iterdir()) if item.is_dir() and _parts(item)
    }
    if not parts:
        raise _without_data(folder)
    return {name: read_source(item) for name, item in parts.items()}


def _existing(path: Path) -> Path:
    """The path, or the file that is meant by it: `out/orders` for `out/orders.parquet`."""
    if path.exists():
        return path
    if not path.suffix:
        for ending in ENDINGS:
            if path.with_suffix(ending).is_file():
                return path.with_suffix(ending)
    near = [item.name for item in path.parent.glob("*")] if path.parent.is_dir() else []
    raise SourceError(
        f"there is no file `{path}`",
        code="source.missing",
        where=str(path),
        hint=did_you_mean(path.name, near),
    )


def _table_name(path: Path) -> str:
    """What a file's table is called: `orders` of `orders.csv.gz`."""
    return Path(path.stem).stem if _is_packed_data(path) else path.stem


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
        raise SourceError(f"`{path}` is empty", code="source.empty", file=str(path))
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise _no_table(path, what)
    compressed = path.suffix.lower() == ".gz"
    ending = Path(path.stem).suffix if compressed else path.suffix
    if b"\0" in start and not compressed and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _no_table(path, "a binary file")
    looks = {b"{": "jsonl", b"[": "json"}.get(start.lstrip()[:1], "csv")
    return ENDINGS.get(ending.lower(), looks)


def _read_folder(folder: Path, as_written: bool) -> TableRows:
    """The one table of a folder: its parts, or the run's only table."""
    run = _run_files(folder)
    if len(run) > 1:
        names = ", ".join(f"`{folder / name}`" for name in run)
        raise SourceError(
            f"`{folder}` holds {len(run)} tables",
            code="source.several",
            where=str(folder),
            hint=f"name one of {names}",
        )
    parts = next(iter(run.values())) if run else _parts(folder)
    if not parts:
        raise _without_data(folder)
    return _read_parts(parts, as_written)


def _run_files(folder: Path) -> dict[str, list[Path]]:
    """The files of each table of a finished run; nothing where the folder holds none.

    Raises:
        SourceError: The manifest names a file outside the folder or a link, or a file was changed.
    """
    manifest = read_object(folder / "manifest.json") or {}
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


def _parts(folder: Path) -> list[Path]:
    """The data files of a folder in their order."""
    return sorted(
        item
        for item in folder.iterdir()
        if (item.suffix.lower() in ENDINGS or _is_packed_data(item))
        and item.name not in _NO_TABLES
        and item.name[0] != "."
    )


def _is_packed_data(path: Path) -> bool:
    return path.suffix.lower() in _PACKED and Path(path.stem).suffix.lower() in ENDINGS


def _read_parts(parts: list[Path], as_written: bool) -> TableRows:
    """Files of one table as one; of several formats the first is read."""
    mine = [part for part in parts if part.suffix == parts[0].suffix]
    kinds = {"zip" if _is_archive(part) else _kind(part) for part in mine}
    (kind, *others) = kinds
    if kind in _COLUMNAR and not others:
        return read_files(mine, _COLUMNAR[kind], None)
    tables = [read_source(part, as_written=as_written) for part in mine]
    try:
        return pa.concat_tables(
            [rows if isinstance(rows, pa.Table) else rows.to_table() for rows in tables],
            promote_options="permissive",
        )
    except pa.ArrowException as exc:
        raise _broken(mine[0].parent, f"its files don't fit together: {exc}") from exc


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
    return SourceError(
        f"`{folder}` holds no data file",
        code="source.empty",
        where=str(folder),
        hint="give a file, or a folder of Parquet, CSV, JSON Lines or Arrow files",
    )


def _broken(path: Path, reason: str) -> SourceError:
    return SourceError(
        f"`{path}` can't be read: {reason.splitlines()[0] if reason else 'unknown reason'}",
        code="source.unreadable",
        file=str(path),
    )


def _no_table(path: Path, what: str) -> SourceError:
    return SourceError(
        f"`{path}` is {what}, not a table",
        code="source.unreadable",
        file=str(path),
        hint="save it as CSV, JSON Lines or Parquet",
    )
