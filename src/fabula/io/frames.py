"""Data that a caller hands over, as one Arrow table.

Frames of pandas, polars, DuckDB and others come in through the Arrow stream interface, so none
of those libraries is imported here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import SourceError
from fabula.io.claimed_sizes import check_rows
from fabula.io.json_files import columns_of
from fabula.io.sources import read_source
from fabula.types import TableLike

_INDEX = re.compile(r"__index_level_\d+__")


def as_table(data: TableLike | Sequence[Mapping[str, Any]], *, name: str = "data") -> pa.Table:
    """The data as an Arrow table.

    Args:
        data: A frame of any library, a mapping of columns, a list of rows, or a path.
        name: What the data is called in errors.

    Raises:
        SourceError: It is not a table; the error names the column, and the row where known.
    """
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, str | os.PathLike):
        rows = read_source(data)
        if isinstance(rows, pa.Table):
            return rows
        check_rows(rows.count_rows(), Path(data))
        return rows.to_table()
    if isinstance(data, Mapping):
        return _from_columns(data, name)
    if isinstance(data, Sequence):
        return _from_rows(data, name)
    if hasattr(data, "scanner") and hasattr(data, "to_table"):
        return data.to_table()  # an Arrow dataset, the one form without a stream
    try:
        return _without_views(_without_index(pa.table(data)))
    except (TypeError, ValueError, pa.ArrowException) as exc:
        raise SourceError(
            f"`{name}` can't be read: {_first_line(exc)}",
            code="source.unsupported-value",
            where=name,
            hint="give a pandas, polars or Arrow frame, a mapping of columns, or a file's path",
        ) from exc


def _without_index(table: pa.Table) -> pa.Table:
    """A table without the nameless row labels that pandas hands over as a column."""
    labels = [name for name in table.column_names if _INDEX.fullmatch(str(name))]
    return table.drop_columns(labels) if labels else table


def _without_views(table: pa.Table) -> pa.Table:
    """A table whose texts can be taken row by row, which Arrow can't do with those of polars."""
    for at, field in enumerate(table.schema):
        if pa.types.is_string_view(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.large_string()))
    return table


def handed_back(data: object) -> Callable[[pa.Table], Any]:
    """How tables go back to a caller: in the library, and with the types, of what came in."""
    library = type(data).__module__.partition(".")[0]
    if library == "pandas":
        return _pandas_like({str(name): kind for name, kind in data.dtypes.items()})  # type: ignore[attr-defined]
    if library == "polars":
        return _polars_like(dict(data.schema))  # type: ignore[attr-defined]
    return lambda table: table


def _pandas_like(types: Mapping[str, Any]) -> Callable[[pa.Table], Any]:
    def frame(table: pa.Table) -> Any:
        import pandas as pd

        # As floats, whole numbers alongside gaps would lose their digits past the 15th
        kinds = {field.type for field in table.schema if table.column(field.name).null_count}
        exact = {kind: pd.ArrowDtype(kind) for kind in kinds if pa.types.is_integer(kind)}
        rows = table.to_pandas(date_as_object=True, types_mapper=exact.get)
        known = {name: kind for name, kind in types.items() if name in rows.columns}
        return rows.astype(known)

    return frame


def _polars_like(schema: Mapping[str, Any]) -> Callable[[pa.Table], Any]:
    def frame(table: pa.Table) -> Any:
        import polars as pl

        rows = pl.DataFrame(table)
        return rows.cast({name: kind for name, kind in schema.items() if name in rows.columns})

    return frame


def _from_rows(rows: Sequence[Any], name: str) -> pa.Table:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise SourceError(
                f"row {number} of `{name}` is a {type(row).__name__}, not a mapping of names to"
                " values",
                code="source.unsupported-value",
                where=name,
                hint="give each row as a dict",
            )
    return _from_columns(columns_of(rows), name)


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
