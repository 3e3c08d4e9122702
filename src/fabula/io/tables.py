"""The front door for data: whatever a caller passes, as Arrow tables by name.

Every verb of both faces reads its data here, so that a form means the same everywhere: a frame of
any library, a mapping of columns, rows, a mapping of names to tables (such as a `Dataset`), a
file, a folder of files, a run. A mapping, folder or run of one table is that table.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import SourceError, UsageError, did_you_mean
from fabula.io.claimed_sizes import check_rows
from fabula.io.frames import arrow_of, is_frame
from fabula.io.json_files import columns_of
from fabula.io.pieces import mapped
from fabula.io.read import TableRows, local_files
from fabula.io.sources import read_tables
from fabula.streams import BLOCK_ROWS
from fabula.types import TableLike

UNNAMED = "data"
"""What a table is called that has no name."""


def forms_in(data: TableLike, *, name: str = UNNAMED) -> dict[str, Any]:
    """The tables in any form of data, by name, each in the form that it has there.

    Raises:
        SourceError: A file or folder can't be read.
    """
    if isinstance(data, str | os.PathLike):
        return dict(read_tables(data))
    if isinstance(data, Mapping) and holds_tables(data):
        return {str(key): table for key, table in data.items()}
    return {name: data}


def one_form(data: TableLike, *, name: str = UNNAMED) -> Any:
    """The only table in what a caller passes, in the form that it has there.

    Raises:
        SourceError: There are several tables, or a file or folder can't be read.
    """
    forms = forms_in(data, name=name)
    if len(forms) == 1:
        return next(iter(forms.values()))
    place = str(data) if isinstance(data, str | os.PathLike) else name
    choices = [f'{name}["{key}"]' if place == name else str(Path(place) / key) for key in forms]
    raise SourceError(
        f"`{place}` holds {len(forms)} tables, and one is needed: "
        + ", ".join(f"`{key}`" for key in forms),
        code="source.several",
        where=place,
        hint=f"give one of {', '.join(f'`{choice}`' for choice in choices)}",
    )


def as_table(data: TableLike, *, name: str = UNNAMED) -> pa.Table:
    """The only table in any form of data; errors call it `name`.

    Raises:
        SourceError: It is not a table, or several; the error names the column and, if known, the
            row.
    """
    return _arrow(one_form(data, name=name), name)


def held_table(data: TableLike) -> pa.Table:
    """The only table in any form of data; where it is large, it lies in an unnamed file.

    Raises:
        SourceError: It is not a table, or several, or there is no space for it.
    """
    form = one_form(data)
    if not _is_lazy(form):
        return _arrow(form, UNNAMED)
    _check_claims(form)
    batches = (pa.Table.from_batches([each]) for each in form.to_batches(batch_size=BLOCK_ROWS))
    try:
        return mapped(chain([form.schema.empty_table()], batches))
    except OSError as exc:
        raise SourceError(
            f"the rows of `{data}` can't be kept on this machine: {exc.strerror or exc}",
            code="source.no-space",
            hint="set TMPDIR to a folder with more space",
        ) from exc


def named_tables(data: TableLike, *, name: str = UNNAMED) -> dict[str, pa.Table]:
    """All tables in any form of data, by name; `name` is that of a table without one.

    Raises:
        SourceError: A table can't be read.
    """
    return {key: _arrow(form, key) for key, form in forms_in(data, name=name).items()}


def only_table(tables: Mapping[str, pa.Table]) -> pa.Table:
    """The table of a result that has one alone.

    Raises:
        UsageError: There are several, or none in memory.
    """
    if len(tables) != 1:
        raise UsageError(
            f"there are {len(tables)} tables in memory",
            code="usage.several-tables",
            hint="take a table from `.tables`",
        )
    return next(iter(tables.values()))


def tables_called(data: TableLike, names: Sequence[str]) -> dict[str, TableRows]:
    """The tables of certain names; rows of columnar files are opened and not read.

    A single table fits a single name, whatever its own. Tables of other names are left alone.

    Raises:
        SourceError: A table is missing, or can't be read.
    """
    forms = forms_in(data)
    if len(names) == 1 and len(forms) == 1:
        forms = {names[0]: next(iter(forms.values()))}
    for name in names:
        if name not in forms:
            raise SourceError(
                f"the data has no table `{name}`",
                code="source.missing-table",
                where=name,
                hint=did_you_mean(name, list(forms))
                or "give a mapping of table names to tables, or a folder",
            )
    return {
        name: forms[name] if _is_lazy(forms[name]) else _arrow(forms[name], name) for name in names
    }


def folder_of(data: TableLike) -> Path | None:
    """The folder of the files that columns of some data name; None where nobody said it."""
    if isinstance(data, str | os.PathLike):
        place = Path(data)
        return place if place.is_dir() else place.parent if place.is_file() else None
    folder = getattr(data, "folder", None)  # of a run's dataset
    return folder if isinstance(folder, Path) else None


def holds_tables(data: Mapping[Any, Any]) -> bool:
    """Whether a mapping is one of names to tables, and not of columns to values."""
    return bool(data) and not any(map(is_column, data.values()))


def is_column(value: object) -> bool:
    """Whether a value of a mapping is one column rather than a table."""
    if isinstance(value, list | tuple | range | pa.Array | pa.ChunkedArray):
        return True
    return len(getattr(value, "shape", None) or ()) == 1  # a Series or array of any library


def is_tabular(data: Mapping[Any, Any]) -> bool:
    """Whether a mapping, where it may also be a single row, is one of tables or of columns.

    It is where its values are all frames or files, or all lists of one length.
    """
    values = list(data.values())
    if all(map(is_column, values)):
        return len({len(value) for value in values}) == 1
    return all(is_frame(value) or isinstance(value, os.PathLike) for value in values)


def row_mapping(row: object) -> Mapping[str, Any] | None:
    """A row as a mapping, if it is one, a dataclass, a named tuple or a Pydantic object."""
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "model_dump"):
        fields: dict[str, Any] = row.model_dump()
    elif dataclasses.is_dataclass(row) and not isinstance(row, type):
        fields = dataclasses.asdict(row)
    elif isinstance(row, tuple) and hasattr(row, "_asdict"):
        fields = row._asdict()
    else:
        return None
    return {
        name: value.value if isinstance(value, Enum) else value for name, value in fields.items()
    }


def _is_lazy(form: object) -> bool:
    """Whether these are rows in files, which Arrow reads when they are asked for."""
    return hasattr(form, "scanner") and hasattr(form, "to_table")


def _check_claims(form: Any) -> None:
    """Make sure that files have the rows that they claim."""
    if (files := local_files(form)) and all(file.is_file() for file in files):
        check_rows(form.count_rows(), files)


def _arrow(form: Any, name: str) -> pa.Table:
    """One table of `forms_in` in memory."""
    if isinstance(form, pa.Table):
        return form
    if _is_lazy(form):
        _check_claims(form)
        return form.to_table()
    if isinstance(form, str | os.PathLike):
        return as_table(form, name=name)
    if isinstance(form, Mapping):
        return as_table(form, name=name) if holds_tables(form) else _from_columns(form, name)
    if isinstance(form, Sequence):
        return _from_rows(form, name)
    try:
        return arrow_of(form)
    except (TypeError, ValueError, pa.ArrowException) as exc:
        raise SourceError(
            f"`{name}` can't be read: {_first_line(exc)}",
            code="source.unsupported-value",
            where=name,
            hint="give a pandas, polars or Arrow frame, a mapping of columns, or a file's path",
        ) from exc


def _from_rows(rows: Sequence[Any], name: str) -> pa.Table:
    mappings = []
    for number, row in enumerate(rows):
        mapping = row_mapping(row)
        if mapping is None:
            raise SourceError(
                f"row {number} of `{name}` is a {type(row).__name__}, not a mapping of names to"
                " values",
                code="source.unsupported-value",
                where=name,
                hint="give each row as a dict",
            )
        mappings.append(mapping)
    return _from_columns(columns_of(mappings), name)


def _from_columns(columns: Mapping[str, Any], name: str) -> pa.Table:
    arrays: dict[str, Any] = {}
    for column, values in columns.items():
        arrays[str(column)] = _array(values, f"{name}.{column}")
    lengths = {column: len(array) for column, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"`{column}` {length:,}" for column, length in lengths.items())
        raise SourceError(
            f"the columns of `{name}` have different lengths: {told}",
            code="source.ragged",
            where=name,
        )
    return pa.table(arrays)


def _array(values: Any, where: str) -> Any:
    """One column; a value that does not fit is named with its row."""
    try:
        if isinstance(values, pa.Array | pa.ChunkedArray):
            return values
        return pa.array(values, from_pandas=True)
    except (TypeError, ValueError, pa.ArrowException) as exc:
        row = _first_misfit(values)
        at = "" if row is None else f" row {row} holds a {type(values[row]).__name__};"
        raise SourceError(
            f"`{where}`:{at} {_first_line(exc)}",
            code="source.unsupported-value",
            where=where,
            hint="give each column values of one type",
        ) from exc


def _first_misfit(values: Any) -> int | None:
    """The first row that does not fit those before it, found by halving."""
    if not isinstance(values, Sequence):
        return None
    good, bad = 0, len(values)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            pa.array(values[:middle], from_pandas=True)
            good = middle
        except (TypeError, ValueError, pa.ArrowException):
            bad = middle
    return bad - 1


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0]
