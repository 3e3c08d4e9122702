"""Data that a caller hands over, in any form, as Arrow tables by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.dataset as ds

from fabula.errors import SourceError, did_you_mean
from fabula.io.formats import ENDINGS, format_of
from fabula.io.names import file_stem
from fabula.io.written import read_files
from fabula.types import TableLike

Rows: TypeAlias = pa.Table | ds.Dataset


def tables_of(data: TableLike | Mapping[str, TableLike], names: Sequence[str]) -> dict[str, Rows]:
    """The tables called `names` in what a caller hands over.

    Args:
        data: A table for the only name; a mapping of names to tables; or a folder of files
            named after them, such as a run's.
        names: The tables that are wanted.

    Raises:
        SourceError: A table is missing, or can't be read.
    """
    if isinstance(data, str | os.PathLike) and Path(data).is_dir():
        return {name: _rows(_file(Path(data), name), name) for name in names}
    if isinstance(data, Mapping) and set(names) & set(data):
        missing = [name for name in names if name not in data]
        if missing:
            raise _missing(missing[0], [str(name) for name in data])
        return {name: _rows(data[name], name) for name in names}
    if len(names) == 1:
        return {names[0]: _rows(data, names[0])}
    raise _missing(names[0], [])


def _rows(data: Any, name: str) -> Rows:
    """One table as Arrow; files are opened and not read."""
    if isinstance(data, pa.Table | ds.Dataset):
        return data
    try:
        if isinstance(data, str | os.PathLike):
            parts = _parts(Path(data))
            return read_files(parts, format_of(parts[0]), None)
        if isinstance(data, Mapping):
            return pa.table(dict(data))
        if isinstance(data, Sequence):
            return pa.Table.from_pylist([dict(row) for row in data])
        return pa.table(data)
    except (OSError, TypeError, ValueError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise SourceError(
            f"the data of `{name}` can't be read: {reason}",
            code="source.unreadable",
            where=name,
            hint="give a pandas, polars or Arrow frame, a mapping of lists, or a file's path",
        ) from error


def _file(folder: Path, name: str) -> Path:
    """The file of a table, or the folder of its parts."""
    stem = file_stem(name)
    found = [path for path in sorted(folder.iterdir()) if _is_table(path, stem)]
    if not found:
        raise _missing(name, [path.stem for path in folder.iterdir()])
    return found[0]


def _is_table(path: Path, stem: str) -> bool:
    if path.is_dir():
        return path.name == stem
    return path.stem == stem and path.suffix.lower() in ENDINGS


def _parts(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _missing(name: str, known: Sequence[str]) -> SourceError:
    return SourceError(
        f"the data has no table `{name}`",
        code="source.missing-table",
        where=name,
        hint=did_you_mean(name, known) or "give a mapping of table names to tables",
    )
