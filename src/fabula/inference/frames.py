"""Data that a caller hands over as Arrow tables by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import SourceError, did_you_mean
from fabula.io.excel_files import is_workbook
from fabula.io.frames import as_table
from fabula.io.read import TableRows
from fabula.io.sources import read_source, read_tables


def tables_of(data: Any, names: Sequence[str]) -> dict[str, TableRows]:
    """The tables called `names` in what a caller hands over.

    Args:
        data: A table for the only name; a mapping of names to tables; or a folder of files
            named after them, such as a run's.
        names: The tables that are wanted.

    Raises:
        SourceError: A table is missing, or can't be read.
    """
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if len(names) == 1 and not (path / "manifest.json").is_file():
            return {names[0]: read_source(path)}
        data = read_tables(path)
        return {name: _found(data, name) for name in names}
    if isinstance(data, Mapping) and set(names) & set(data):
        return {name: as_table(_found(data, name), name=name) for name in names}
    if len(names) == 1:
        return {names[0]: as_table(data, name=names[0])}
    raise _missing(names[0], ())


def named_tables(source: Any) -> dict[str, pa.Table]:
    """All tables that a caller hands over, by name; one without a name is `data`.

    Args:
        source: A frame, a mapping of columns, a mapping of names to tables, a file or a folder.

    Raises:
        SourceError: A table can't be read.
    """
    found = _by_name(source)
    return {"data": as_table(source)} if found is None else _as_tables(found)


def several_tables(source: Any) -> dict[str, pa.Table] | None:
    """The tables of a folder or workbook of several, or of a mapping of them by name; else None.

    Raises:
        SourceError: A table can't be read.
    """
    is_path = isinstance(source, str | os.PathLike)
    if is_path and not (Path(source).is_dir() or is_workbook(Path(source))):
        return None
    found = _by_name(source)
    return None if found is None or (is_path and len(found) == 1) else _as_tables(found)


def _by_name(source: Any) -> Mapping[Any, Any] | None:
    """What a caller hands over by name: a file, a folder, or a mapping of tables."""
    if isinstance(source, str | os.PathLike):
        return read_tables(Path(source))
    if isinstance(source, Mapping) and source and not any(map(_is_column, source.values())):
        return source
    return None


def _as_tables(found: Mapping[Any, Any]) -> dict[str, pa.Table]:
    return {str(name): as_table(data, name=str(name)) for name, data in found.items()}


def _is_column(value: Any) -> bool:
    """Whether a value of a mapping is one column rather than a table."""
    return isinstance(value, list | tuple | pa.Array | pa.ChunkedArray) or hasattr(value, "dtype")


def _found(tables: Mapping[str, Any], name: str) -> Any:
    if name not in tables:
        raise _missing(name, list(tables))
    return tables[name]


def _missing(name: str, known: Sequence[str]) -> SourceError:
    return SourceError(
        f"the data has no table `{name}`",
        code="source.missing-table",
        where=name,
        hint=did_you_mean(name, known) or "give a mapping of table names to tables, or a folder",
    )
