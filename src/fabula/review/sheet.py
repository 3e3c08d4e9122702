"""The sheet that a person reviews rows in: written from a sample, read back with every problem.

A CSV file: lines that explain, a header, then one line per row. Each column of the data is followed
by an empty `fix:` column. A row is known by its number and a hash of its values, so that a sheet
is never applied to other data.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fabula.errors import SheetError, SourceError, Violation, did_you_mean
from fabula.io.arrays import is_text, plain_type
from fabula.io.examples import plain_value
from fabula.io.formulas import escaped
from fabula.io.read import TableRows

Verdict: TypeAlias = Literal["accept", "reject", "fix"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
NULL = "(empty)"
"""What a fix says to take a value away."""

_LEADING = ("row", "verdict", "comment")
_EXPLAINED = (
    "# verdict: accept, reject or fix. Leave it empty for rows that you did not review.",
    "# comment: what to improve; the language model gets it with the next request.",
    f"# fix:COLUMN: the right value of that column, or {NULL} for none; the verdict is then fix.",
    "# Change nothing else; lines may be sorted or left out.",
)
_DELIMITERS = ",;\t"
_MOST_DIGITS = 16
_AT_ONCE = 1 << 15
"""Rows in memory while some are picked out of files."""
_SHOWN_DIGITS = 1e-6
"""Spreadsheets round what they show, and save what they show."""


@dataclass(frozen=True)
class Rows:
    """Rows of a table, and the place of each in it: all of them, or a sample."""

    table: pa.Table
    places: Sequence[int]

    @classmethod
    def all(cls, table: pa.Table) -> Rows:
        """Every row of a table."""
        return cls(table, range(table.num_rows))

    @classmethod
    def some(cls, table: TableRows, places: Sequence[int]) -> Rows:
        """The rows at some places of a table, which may be in files."""
        if isinstance(table, pa.Table):
            return cls(table.take(pa.array(places, pa.int64())), places)
        wanted = np.unique(np.asarray(places, np.int64))
        found = pa.Table.from_batches(_picked(table, wanted), table.schema)
        return cls(found.take(np.searchsorted(wanted, places)), places)

    def value(self, column: str, place: int) -> Any:
        """A value of a row."""
        return self.table.column(column)[self.places.index(place)].as_py()

    def cells(self, place: int) -> list[str]:
        """The values of a row as the sheet shows them."""
        at = self.places.index(place)
        return [_cell(column[at].as_py()) for column in self.table.columns]


def _picked(table: ds.Dataset, wanted: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """The rows at rising places, read a little at a time."""
    start = 0
    for fragment in table.get_fragments():
        for end, batches in _parts(fragment, table.schema, start):
            if _within(wanted, start, end).size:
                for batch in batches:
                    here = _within(wanted, start, start + batch.num_rows)
                    if here.size:
                        yield batch.take(pa.array(here - start))
                    start += batch.num_rows
            start = end


def _parts(
    fragment: ds.Fragment, schema: pa.Schema, start: int
) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
    """A file's parts: where each ends, and its rows, which are read only when they are asked for.

    Arrow's scanner takes several times the memory of its reader of Parquet.
    """
    if isinstance(fragment, ds.ParquetFileFragment) and fragment.physical_schema == schema:
        with pq.ParquetFile(fragment.open()) as file:
            for group in range(file.num_row_groups):
                start += file.metadata.row_group(group).num_rows
                yield start, file.iter_batches(_AT_ONCE, row_groups=[group], use_threads=False)
    else:
        little = {"batch_size": _AT_ONCE, "batch_readahead": 1, "use_threads": False}
        yield start + fragment.count_rows(), fragment.to_batches(schema=schema, **little)


def _within(places: NDArray[np.int64], start: int, end: int) -> NDArray[np.int64]:
    first, last = np.searchsorted(places, (start, end))
    return places[first:last]


@dataclass(frozen=True)
class Judged:
    """What a line of a sheet says about a row; its verdict is None if nobody looked at it."""

    place: int
    verdict: Verdict | None
    comment: str
    fixes: dict[str, Any]


def empty_lines(rows: Rows) -> list[list[str]]:
    """The lines of a sheet that nobody has filled in yet."""
    lines = []
    for place in rows.places:
        cells = rows.cells(place)
        pairs = [part for cell in cells for part in (escaped(cell), "")]
        lines.append([_row_id(place, cells), "", "", *pairs])
    return lines


def sheet_text(rows: Rows, lines: Iterable[Sequence[str]]) -> str:
    """The sheet of some rows; a mark tells spreadsheets that it is UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([line] for line in _EXPLAINED)
    writer.writerow(_header(rows.table))
    writer.writerows(lines)
    return "\ufeff" + text.getvalue()


def read_sheet(path: Path, rows: Rows) -> list[Judged]:
    """What a person wrote into a sheet that was made from a table.

    Raises:
        SourceError: The file can't be read.
        SheetError: It is not a sheet of this data, or what it says can't be done; all problems.
    """
    problems: list[Violation] = []
    judged: dict[int, Judged] = {}
    for line, cells in lines_of(path, rows.table):
        found = judged_line(cells, rows)
        if isinstance(found, Judged) and found.place in judged:
            found = [("twice", f"row `{cells[0]}` occurs in the sheet twice", "keep one line")]
        if isinstance(found, Judged):
            judged[found.place] = found
            continue
        problems += [
            Violation(f"review.{code}", message, hint=hint, file=str(path), line=line)
            for code, message, hint in found
        ]
    if problems:
        raise SheetError(problems)
    return list(judged.values())


def lines_of(path: Path, table: pa.Table) -> list[tuple[int, list[str]]]:
    """The lines of a sheet below its header, each with its number.

    Raises:
        SourceError: The file can't be read.
        SheetError: It is not a sheet of this table.
    """
    lines = _lines(path)
    header = next(lines, None)
    if header is None or header[1] != _header(table):
        raise SheetError([_wrong_header(path, header, table)])
    return list(lines)


Problem: TypeAlias = tuple[str, str, str | None]
"""The code, what is wrong, and what to do."""


def judged_line(cells: Sequence[str], rows: Rows) -> Judged | list[Problem]:
    """What a line says, or all that is wrong with it."""
    table = rows.table
    width = len(_LEADING) + 2 * table.num_columns
    if len(cells) != width:
        hint = "put quotes around values that hold the separator"
        return [("columns", f"the line has {len(cells)} cells, not {width}", hint)]
    (name, word, comment), values = (cell.strip() for cell in cells[:3]), cells[3:]
    problems: list[Problem] = []
    place = _place(name, rows)
    if place is None:
        said = f"`{name}` is not a row of this data" if name else "the row has no id"
        problems.append(("row", said, "copy the `row` cell from the exported sheet"))
    verdict = next((known for known in VERDICTS if known == word.lower()), None)
    if word and verdict is None:
        hint = did_you_mean(word.lower(), VERDICTS) or f"write {', '.join(VERDICTS)} or nothing"
        problems.append(("verdict", f"`{word}` is not a verdict", hint))
    fixes: dict[str, Any] = {}
    for field, shown, text in zip(table.schema, values[::2], values[1::2], strict=True):
        if text.strip():
            fix = _value(text, field.type)
            if isinstance(fix, ValueError):
                said = f"`{text}` is not a {field.type} for `{field.name}`"
                problems.append(("value", said, f"write {NULL} to remove the value"))
            else:
                fixes[field.name] = fix.value
        elif place is not None and _was_edited(rows.value(field.name, place), field.type, shown):
            said = f"`{field.name}` was changed in place"
            problems.append(("edited", said, f"write the new value into `fix:{field.name}`"))
    fixed = any(text.strip() for text in values[1::2])
    if fixed and word.lower() != "fix":
        problems.append(
            ("verdict", f"the line has fixes, but its verdict is `{word}`", "write fix")
        )
    if verdict == "fix" and not fixed:
        problems.append(("fix", "the verdict is `fix`, but no `fix:` cell says how", None))
    if problems or place is None:
        return problems
    return Judged(place, verdict, comment, fixes)


@dataclass(frozen=True)
class _Fix:
    """A new value, which may be None."""

    value: Any


def _value(text: str, kind: pa.DataType) -> _Fix | ValueError:
    """What a cell means in a column of some type."""
    if text.strip() == NULL:
        return _Fix(None)
    plain = plain_type(kind)
    try:
        if pa.types.is_nested(plain):
            return _Fix(pa.scalar(json.loads(text), plain).as_py())
        if is_text(plain):
            return _Fix(text)
        return _Fix(pa.scalar(text.strip()).cast(plain).as_py())
    except (pa.ArrowException, TypeError, ValueError) as exc:
        return ValueError(str(exc))


def _was_edited(value: Any, kind: pa.DataType, shown: str) -> bool:
    """Whether a cell contains another value than was written, however a spreadsheet shows it."""
    if shown.split() in (_cell(value).split(), escaped(_cell(value)).split()):
        return False
    now = _value(shown, kind)
    if isinstance(now, ValueError):
        return not shown.strip()  # spreadsheets write dates in their own way
    if isinstance(now.value, float) and value is not None:
        return not math.isclose(now.value, value, rel_tol=_SHOWN_DIGITS)
    return bool(now.value != value)


def place_in(name: str) -> int | None:
    """The place that a row's id names."""
    number, _, _ = name.removeprefix("r").partition("-")
    is_number = number.isascii() and number.isdigit() and len(number) < _MOST_DIGITS
    return int(number) - 1 if is_number and int(number) else None


def _place(name: str, rows: Rows) -> int | None:
    """The place of a row whose values still have the hash of its id."""
    place = place_in(name)
    if place is None or place not in rows.places:
        return None
    return place if name == _row_id(place, rows.cells(place)) else None


def _row_id(place: int, cells: Sequence[str]) -> str:
    digest = hashlib.sha256(json.dumps(list(cells)).encode()).hexdigest()
    return f"r{place + 1}-{digest[:8]}"


def _cell(value: Any) -> str:
    """A value as the sheet shows it."""
    plain = plain_value(value)
    if plain is None or isinstance(plain, str):
        return plain or ""
    return json.dumps(plain, ensure_ascii=False)


def _header(table: pa.Table) -> list[str]:
    pairs = [part for name in table.column_names for part in (escaped(name), f"fix:{name}")]
    return [*_LEADING, *pairs]


def _wrong_header(path: Path, header: tuple[int, list[str]] | None, table: pa.Table) -> Violation:
    wanted = _header(table)
    line, found = header or (1, [])
    missing = [name for name in wanted if name not in found]
    foreign = [name for name in found if name not in wanted]
    parts = [
        f"{what} {', '.join(f'`{name}`' for name in names)}"
        for what, names in (("it lacks", missing), ("it has the unknown", foreign))
        if names
    ]
    said = "; ".join(parts) or "their order or number was changed"
    return Violation(
        "review.columns",
        f"the sheet's columns are not those of the data: {said}",
        hint="make a new sheet with `fabula review export`, and don't change its columns",
        file=str(path),
        line=line,
    )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of a sheet that hold something, each with the number it starts on."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "it is not UTF-8"
        raise SourceError(
            f"`{path}` can't be read: {reason.lower()}", code="review.unreadable", file=str(path)
        ) from exc
    header = next((line for line in text.splitlines() if line.startswith(("row", '"row"'))), "")
    delimiter = max(_DELIMITERS, key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells) and not cells[0].startswith("# "):
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as exc:
        raise SourceError(
            f"`{path}` is not CSV: {exc}", code="review.unreadable", file=str(path), line=line
        ) from exc
