"""The tables that checks look at, behind a locked DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.read import TableRows
from fabula.io.sql import fetched, locked_connection
from fabula.io.sql_bounds import bounded, may_grow
from fabula.kinds.base.sql import quoted

ROW_NUMBER = "fabula row"
"""Name of the added column in `numbered`."""


_ROW_BYTES = 8
EXAMPLES = 5
"""Offending rows that a result shows."""


class MissingError(ValueError):
    """The data lacks a table or column that a check is about."""


class Data:
    """Tables by name, ready for queries; files are streamed, never loaded whole.

    Args:
        tables: The rows of each table.
        threads: Threads of the queries.
        folder: The folder of the files that columns name; None where there is none.
    """

    def __init__(
        self, tables: Mapping[str, TableRows], *, threads: int = 2, folder: Path | None = None
    ) -> None:
        self.threads, self.folder = threads, folder
        self._tables = dict(tables)
        self._views = {name: f"t{number}" for number, name in enumerate(tables)}
        self._rows = sum(map(_most_rows, tables.values()))
        self._connection = locked_connection(threads=threads)
        for name, view in self._views.items():
            self._connection.register(view, tables[name])

    def __enter__(self) -> Data:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def view(self, table: str) -> str:
        """The name under which queries find a table.

        Raises:
            MissingError: There is no such table.
        """
        if table not in self._views:
            raise MissingError(f"the data has no table `{table}`")
        return self._views[table]

    def schema(self, table: str) -> pa.Schema:
        """A table's Arrow schema."""
        self.view(table)
        return self._tables[table].schema

    def need(self, table: str, columns: Sequence[str]) -> None:
        """Make sure that a table has these columns.

        Raises:
            MissingError: One is missing.
        """
        known = self.schema(table).names
        for column in columns:
            if column not in known:
                raise MissingError(f"`{table}` has no column `{column}`")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with bounded(self._connection, self._rows, grows=may_grow(sql)):
            return fetched(self._connection.execute(sql))

    def row(self, sql: str) -> tuple[Any, ...]:
        """The first row of a query."""
        return self.query(sql)[0]

    def examples(self, sql: str) -> tuple[dict[str, Any], ...]:
        """The first rows of a query, by column name."""
        with bounded(self._connection, self._rows, grows=may_grow(sql)):
            result = self._connection.execute(f"{sql} LIMIT {EXAMPLES}")
            columns = [column[0] for column in result.description or ()]
            return tuple(dict(zip(columns, row, strict=True)) for row in fetched(result))

    def texts(self, table: str, column: str) -> list[str | None]:
        """The values of a column as text, in the order of the rows.

        Raises:
            MissingError: The column is missing.
        """
        return [
            value
            for batch in self.batches(table, [column])
            for value in batch.column(0).cast(pa.string()).to_pylist()
        ]

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Some columns of a table, piece by piece, in the order of the rows.

        Raises:
            MissingError: A column is missing.
        """
        self.need(table, columns)
        return _batches(self._tables[table], columns)

    def increases(self, table: str, column: str) -> bool:
        """Whether each value of a column of whole numbers or times is above the one before."""
        kind = self.schema(table).field(column).type
        if not (pa.types.is_integer(kind) or pa.types.is_timestamp(kind)):
            return False
        last = None
        for batch in _batches(self._tables[table], [column]):
            if batch.num_rows == 0:
                continue
            if batch.column(0).null_count:
                return False
            values = batch.column(0).to_numpy()
            if (last is not None and values[0] <= last) or (values[1:] <= values[:-1]).any():
                return False
            last = values[-1]
        return True

    def numbers(self, table: str, columns: Sequence[str], sql: str) -> NDArray[np.int64]:
        """Row numbers, from 0, that a query of one column over `numbered` finds, in order."""
        found = self.numbered(table, columns, sql)
        return np.sort(np.array([number for (number,) in found], dtype=np.int64))

    def numbered(self, table: str, columns: Sequence[str], sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query over `numbered`: columns of a table, and each row's number."""
        self._connection.register("numbered", _numbered(self._tables[table], columns))
        try:
            with bounded(self._connection, self._rows, grows=may_grow(sql)):
                return fetched(self._connection.execute(sql))
        finally:
            self._connection.unregister("numbered")


def _most_rows(rows: TableRows) -> int:
    """About how many rows a table has at most; a file of text is not read for that."""
    if isinstance(rows, pa.Table):
        return int(rows.num_rows)
    files = getattr(rows, "files", ())  # a dataset in memory has none
    if not files or rows.format.default_extname == "parquet":
        return int(rows.count_rows())
    return sum(Path(file).stat().st_size // _ROW_BYTES for file in files)


def _numbered(rows: TableRows, columns: Sequence[str]) -> pa.RecordBatchReader:
    """The columns as a stream with each row's number; a stream keeps the order of the rows."""
    schema = pa.schema([rows.schema.field(name) for name in columns])

    def stream() -> Iterator[pa.RecordBatch]:
        first = 0
        for batch in _batches(rows, columns):
            numbers = pa.array(np.arange(first, first + batch.num_rows))
            first += batch.num_rows
            yield pa.record_batch([*batch.columns, numbers], schema=numbered)

    numbered = schema.append(pa.field(ROW_NUMBER, pa.int64()))
    return pa.RecordBatchReader.from_batches(numbered, stream())


def _batches(rows: TableRows, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a table, piece by piece, in the order of the rows."""
    if isinstance(rows, pa.Table):
        return iter(rows.select(list(columns)).to_batches())
    return iter(rows.scanner(columns=list(columns), use_threads=False).to_batches())


def column_list(columns: Sequence[str]) -> str:
    """Columns as SQL, separated by commas."""
    return ", ".join(quoted(column) for column in columns)
