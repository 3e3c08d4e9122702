"""Data files of any origin into Arrow, and exactly what is wrong with those that can't be read.

The content decides before the ending does: a Parquet file called `.csv` is read as Parquet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import SourceError, did_you_mean
from fabula.io.csv_files import read_csv
from fabula.io.formats import ENDINGS, Format
from fabula.io.read import TableRows, read_files
from fabula.types import Path as PathLike

_MAGIC: tuple[tuple[bytes, str], ...] = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"))
_COLUMNAR: dict[str, Format] = {"parquet": "parquet", "arrow": "arrow"}
_OTHERS = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"SQLite format 3": "a SQLite database",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_SNIFFED = 64 * 1024


def read_source(path: PathLike) -> TableRows:
    """The rows of a file, or of a folder that holds the parts of one table.

    Columnar files are opened and not read; text files are read.

    Raises:
        SourceError: There is no such file, or it can't be read; with its line where known.
    """
    place = _existing(Path(path))
    if place.is_dir():
        return _read_folder(place)
    kind = _kind(place)
    try:
        if kind in _COLUMNAR:
            rows = read_files([place], _COLUMNAR[kind], None)
            _check_names(rows.schema.names, place)
            return rows
        table = _READERS[kind](place)
    except pa.ArrowException as exc:
        raise _broken(place, str(exc)) from exc
    except OSError as exc:
        raise _broken(place, exc.strerror or str(exc)) from exc
    _check_names(table.column_names, place)
    return table


def read_tables(path: PathLike) -> dict[str, TableRows]:
    """Every table of a folder, such as a run's: a file or a folder of parts each, by name.

    Raises:
        SourceError: There is no table, or one can't be read.
    """
    folder = Path(path)
    manifest = folder / "manifest.json"
    if manifest.is_file():
        tables = json.loads(manifest.read_text(encoding="utf-8"))["tables"]
        return {
            name: _read_parts([folder / file["path"] for file in table["files"]])
            for name, table in tables.items()
        }
    if not folder.is_dir():
        return {folder.stem: read_source(folder)}
    found = {
        item.stem: read_source(item)
        for item in sorted(folder.iterdir())
        if item.suffix.lower() in ENDINGS or (item.is_dir() and _parts(item))
    }
    if not found:
        raise SourceError(
            f"`{folder}` holds no data file",
            code="source.empty",
            where=str(folder),
            hint="give a file, or a folder of Parquet, CSV, JSON Lines or Arrow files",
        )
    return found


def table_of_rows(rows: list[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table; a name that only some rows have is null in the others."""
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return pa.table({name: [row.get(name) for row in rows] for name in names})


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


def _read_folder(folder: Path) -> TableRows:
    """The one table of a folder: its parts, or the run's only table."""
    if (folder / "manifest.json").is_file():
        tables = read_tables(folder)
        if len(tables) == 1:
            return next(iter(tables.values()))
        names = ", ".join(f"`{folder / name}`" for name in tables)
        raise SourceError(
            f"`{folder}` holds {len(tables)} tables",
            code="source.several",
            where=str(folder),
            hint=f"name one of {names}",
        )
    parts = _parts(folder)
    if not parts:
        raise SourceError(f"`{folder}` holds no data file", code="source.empty", where=str(folder))
    return _read_parts(parts)


def _parts(folder: Path) -> list[Path]:
    """The data files of a folder in their order."""
    return sorted(item for item in folder.iterdir() if item.suffix.lower() in ENDINGS)


def _read_parts(parts: list[Path]) -> TableRows:
    """Files of one table as one; of several formats the first is read."""
    mine = [part for part in parts if part.suffix == parts[0].suffix]
    kinds = {_kind(part) for part in mine}
    (kind, *others) = kinds
    if kind in _COLUMNAR and not others:
        return read_files(mine, _COLUMNAR[kind], None)
    tables = [read_source(part) for part in mine]
    try:
        return pa.concat_tables(
            [rows if isinstance(rows, pa.Table) else rows.to_table() for rows in tables],
            promote_options="permissive",
        )
    except pa.ArrowException as exc:
        raise _broken(mine[0].parent, f"its files don't fit together: {exc}") from exc


def _read_json_lines(path: Path) -> pa.Table:
    """JSON Lines; the parser's row becomes a line number."""
    from pyarrow import json as arrow_json

    try:
        return arrow_json.read_json(path, read_options=arrow_json.ReadOptions(block_size=16 << 20))
    except pa.ArrowException as exc:
        with pa.input_stream(str(path), compression="detect") as stream:
            lines = stream.read().split(b"\n")
        for number, line in enumerate(lines, start=1):
            _check_line(path, number, line)
        raise SourceError(
            f"`{path}` can't be read: {str(exc).splitlines()[0]}",
            code="source.unreadable",
            file=str(path),
            hint="give each name values of one type",
        ) from exc


def _check_line(path: Path, number: int, line: bytes) -> None:
    """Make sure that a line is one JSON object."""
    if not line.strip():
        return
    try:
        problem = "" if isinstance(json.loads(line), dict) else "it is no object"
    except UnicodeDecodeError as exc:
        problem = f"it is not UTF-8: {exc.reason}"
    except ValueError as exc:
        problem = str(exc)
    if problem:
        text = line[:80].decode(errors="replace")
        raise SourceError(
            f"line {number} of `{path}` is no JSON: {problem}: `{text}`",
            code="source.bad-row",
            file=str(path),
            line=number,
        )


def _read_json(path: Path) -> pa.Table:
    """A JSON file: a list of objects, or an object of lists."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as exc:
        line = getattr(exc, "lineno", None)
        if line is not None and line > 1:
            return _read_json_lines(path)
        raise SourceError(
            f"`{path}` is no JSON: {exc}", code="source.unreadable", file=str(path), line=line
        ) from exc
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return table_of_rows(content)
    if isinstance(content, dict) and all(isinstance(item, list) for item in content.values()):
        return pa.table(content)
    if isinstance(content, dict):
        return table_of_rows([content])
    raise SourceError(
        f"`{path}` holds no rows",
        code="source.unreadable",
        file=str(path),
        hint="give a list of objects: `[{...}, {...}]`",
    )


_READERS = {"csv": read_csv, "jsonl": _read_json_lines, "json": _read_json}


def _check_names(names: list[str], path: Path) -> None:
    """Refuse a column that appears twice: its values could not be told apart."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(
            f"column `{twice[0]}` of `{path}` appears {names.count(twice[0])} times",
            code="source.repeated-column",
            file=str(path),
            line=1,
            hint="rename one of them",
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
