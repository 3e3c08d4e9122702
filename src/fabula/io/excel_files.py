"""Workbooks of Excel, LibreOffice and their kin: each sheet that holds a table, with its types."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from fabula.errors import PrerequisiteError, SourceError
from fabula.io.claimed_sizes import check_columns, check_members
from fabula.io.csv_layout import layout_of_lines, unique_names
from fabula.io.notes import told_rows, with_notes

_OF_OLD = frozenset({".xls", ".xlsb", ".xlsm", ".xlsx", ".ods"})
"""Endings that tell an old workbook from other documents of Office."""

_MEMBERS = {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}
"""One of these is in every zipped workbook."""
_OLD = b"\xd0\xcf\x11\xe0"
_HEAD = 200
_EXACT = 2.0**53
"""Below this floats, which all numbers of a sheet are, hold every whole number."""
_WORDS = {
    "str": "text", "float": "a number", "bool": "true or false", "date": "a date",
    "datetime": "a time", "time": "a time of day", "timedelta": "a duration",
}  # fmt: skip
_TYPES = {
    "bool": pa.bool_(), "str": pa.string(), "date": pa.date32(), "datetime": pa.timestamp("us"),
    "time": pa.time64("us"), "timedelta": pa.duration("us"),
}  # fmt: skip

Cells: TypeAlias = Sequence[Sequence[Any]]


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook, by its content; an old one by its ending, too."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == _OLD:
            return path.suffix.lower() in _OF_OLD
        if start != b"PK\x03\x04":
            return False
        with zipfile.ZipFile(path) as archive:
            return not _MEMBERS.isdisjoint(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def read_sheets(path: Path) -> dict[str, pa.Table]:
    """The tables of a workbook by sheet; hidden and empty sheets are left out.

    Raises:
        PrerequisiteError: The extra `excel` is not installed.
        SourceError: The workbook is damaged or locked, or no sheet contains a row.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum
    except ImportError as exc:
        raise PrerequisiteError.for_extra("excel", needed_by=f"reading `{path.name}`") from exc
    check_members(path)
    tables, left_out = {}, []
    try:
        with CalamineWorkbook.from_path(path) as book:
            for about in book.sheets_metadata:
                cells = book.get_sheet_by_name(about.name).to_python()
                if len(cells) > 1 and about.visible == SheetVisibleEnum.Visible:
                    tables[about.name] = _table(cells, path)
                elif cells:
                    why = "has one row" if len(cells) == 1 else "is hidden"
                    left_out.append(f"the sheet `{about.name}` is left out: it {why}")
    except (CalamineError, OSError) as exc:
        raise SourceError(
            f"`{path}` can't be read: {exc}", code="source.unreadable", file=str(path)
        ) from exc
    if not tables:
        raise SourceError(
            f"no visible sheet of `{path}` holds a table",
            code="source.empty",
            file=str(path),
            hint="give a sheet a row of names and rows of values",
        )
    return {name: with_notes(table, left_out) for name, table in tables.items()}


def _table(cells: Cells, path: Path) -> pa.Table:
    """The rows of a sheet below its header, each column in the type of its cells."""
    check_columns(len(cells[0]), path)
    layout = layout_of_lines(_lines(cells[:_HEAD]), path, delimiter=",")
    start = layout.skipped + layout.header + layout.second
    header = cells[layout.skipped] if layout.header else [""] * len(cells[0])
    names, renamed = unique_names([_text(cell) or "" for cell in header])
    rows = [row for row in cells[start:] if any(cell != "" for cell in row)]
    columns: dict[str, pa.Array] = {}
    notes = [*layout.notes, *renamed]
    for at, name in enumerate(names):
        values = [None if row[at] == "" else row[at] for row in rows]
        columns[name], note = _column(values)
        notes += [f"`{name}` {note}"] if note else []
    return with_notes(pa.table(columns), notes)


def _lines(cells: Cells) -> list[str]:
    """The first rows of a sheet as lines of CSV; a title is one field, an empty row none."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    for row in cells:
        texts = [(_text(cell) or "").replace("\n", " ") for cell in row]
        writer.writerow(texts if any(texts[1:]) else filter(None, texts[:1]))
    return made.getvalue().splitlines()


def _column(values: list[Any]) -> tuple[pa.Array, str]:
    """Cells as one column, and what is said where their types differ."""
    kinds = Counter(type(value).__name__ for value in values if value is not None)
    if not kinds:
        return pa.nulls(len(values), pa.string()), ""
    if set(kinds) == {"date", "datetime"}:
        values = [_moment(value) for value in values]
        kinds = Counter({"datetime": sum(kinds.values())})
    if len(kinds) > 1:
        usual = kinds.most_common(1)[0][0]
        odd = [
            at
            for at, value in enumerate(values)
            if value is not None and type(value).__name__ != usual
        ]
        others = " and ".join(_WORDS.get(kind, kind) for kind in kinds if kind != usual)
        told = f"holds {_WORDS.get(usual, usual)}, but {others} in {told_rows(odd)}"
        return pa.array(map(_text, values), pa.string()), f"{told}; all are read as text"
    (kind,) = kinds
    return (pa.array(values, _TYPES[kind]) if kind in _TYPES else _numbers(values)), ""


def _numbers(values: list[float | None]) -> pa.Array:
    """Numbers; whole ones where all are, and none is too large for a float to tell it exactly."""
    numbers = pa.array(values, pa.float64())
    filled = np.asarray(numbers.drop_null())
    whole = (filled == np.floor(filled)) & (np.abs(filled) < _EXACT)
    return numbers.cast(pa.int64()) if whole.all() else numbers


def _moment(value: Any) -> Any:
    plain = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return dt.datetime.combine(value, dt.time()) if plain else value


def _text(value: Any) -> str | None:
    """A cell as text: whole numbers without a point, times as ISO writes them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
