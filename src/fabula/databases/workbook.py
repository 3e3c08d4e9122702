"""A workbook of Excel as a destination: one sheet a table, values with their types."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fabula.databases.values import json_of, plain
from fabula.errors import PrerequisiteError, SinkError
from fabula.io.places import check_free, replacing
from fabula.io.written.clock import clock_texts

if TYPE_CHECKING:
    from fabula.io.destinations import Blocks, Incoming, Loading

MOST_ROWS = 1_048_575
"""Rows of a sheet, apart from its header."""
_LONGEST = 31
_EXACT = 2**53
_CREATED = dt.datetime(2000, 1, 1)  # the same rows give the same bytes
_FORMATS = {"date": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:mm:ss", "time": "hh:mm:ss"}


class WorkbookSink:
    """A workbook that was named, ready to be written."""

    def __init__(self, place: str, loading: Loading) -> None:
        self._path, self._loading = Path(place), loading

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse a file that is there, and names that sheets can't have; see `Sink`.

        Raises:
            SinkError: It exists, can't be written, or a table's name does not fit.
        """
        check_free(self._path, overwrite=self._loading.overwrite)
        same = Counter(table.name.lower() for table in tables)
        for table in tables:
            name = table.name
            if len(name) > _LONGEST or set(name) & set("[]:*?/\\") or same[name.lower()] > 1:
                raise SinkError(
                    f"a sheet can't be called `{name}`",
                    code="sink.name",
                    where=name,
                    hint=f"use at most {_LONGEST} characters, none of []:*?/\\, and sheet names "
                    "ignore case",
                )

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Write the workbook, whole or not at all; see `Sink`.

        Raises:
            SinkError: It can't be written, or a table has more rows than a sheet.
            PrerequisiteError: XlsxWriter is not installed.
        """
        self.check(tables)
        try:
            from xlsxwriter import Workbook
        except ImportError as exc:
            raise PrerequisiteError.for_extra("excel", needed_by="a workbook") from exc
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with replacing(self._path) as temporary, temporary.open("wb") as file:
            book = Workbook(file, options)
            book.set_properties({"created": _CREATED})
            formats = {name: book.add_format({"num_format": f}) for name, f in _FORMATS.items()}
            for table in tables:
                sheet = book.add_worksheet(table.name)
                sheet.write_row(0, 0, table.schema.names)
                number = 0
                for block in rows(table.name):
                    if number + block.num_rows > MOST_ROWS:
                        raise SinkError(
                            f"`{table.name}` has more rows than the {MOST_ROWS:,} of a sheet",
                            code="sink.too-large",
                            where=table.name,
                            hint="write a folder (`-o out/`) or a database",
                        )
                    _write(sheet, number + 1, plain(block), formats)
                    number += block.num_rows
            book.close()
        return {"lines": ["one sheet a table"]}


def sheets_at(place: str) -> dict[str, Callable[[], pa.Table]]:
    """What gives each sheet of a workbook."""
    from fabula.io.excel_files import read_sheets

    return {name: partial(_itself, table) for name, table in read_sheets(Path(place)).items()}


def _itself(table: pa.Table) -> pa.Table:
    return table


def _write(sheet: Any, start: int, block: pa.Table, formats: Mapping[str, Any]) -> None:
    """Write the rows of a block; in constant memory, row by row."""
    columns = [_cells(sheet, column.combine_chunks(), formats) for column in block.columns]
    for row in range(block.num_rows):
        for place, (values, write) in enumerate(columns):
            if values[row] is not None:
                write(start + row, place, values[row])


def _cells(
    sheet: Any, values: pa.Array, formats: Mapping[str, Any]
) -> tuple[list[Any], Callable[[int, int, Any], Any]]:
    """A column's values, and what writes one of them."""
    kind = values.type
    if pa.types.is_boolean(kind):
        return values.to_pylist(), sheet.write_boolean
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = values.to_pylist()
        return (
            numbers,
            lambda row, place, number: (
                sheet.write_number(row, place, number)
                if -_EXACT <= number <= _EXACT
                else sheet.write_string(row, place, str(number))
            ),
        )
    tests = (
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "moment"),
        (pa.types.is_time, "time"),
    )
    named = next((name for test, name in tests if test(kind)), None)
    if named is not None:
        if named == "moment" and kind.tz is not None:
            values = values.cast(pa.timestamp(kind.unit))
        form = formats[named]
        return values.to_pylist(), lambda row, place, moment: sheet.write_datetime(
            row, place, moment, form
        )
    if pa.types.is_duration(kind):
        values = clock_texts(values)
    elif pa.types.is_nested(kind):
        values = json_of(values)
    return list(map(_text, values.to_pylist())), sheet.write_string


def _text(value: Any) -> str | None:
    return value.hex() if isinstance(value, bytes) else value
