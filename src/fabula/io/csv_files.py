"""CSV of any origin: `,`, `;`, tab or `|`, with or without a byte order mark, gzipped or not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from fabula.errors import SourceError
from fabula.io.csv_codes import code_field, holds_digits, is_code, with_codes
from fabula.io.csv_layout import Layout, end_of_rows, layout_of, unique_names
from fabula.io.notes import with_notes
from fabula.io.pieces import Fields, in_common, is_large, text_pieces
from fabula.io.written.columns import written_form
from fabula.io.written.fields import plain_field, with_form
from fabula.io.written.time_forms import TimeForm

_BLOCK_BYTES = 4 << 20
_SHOWN = 80
_MISSING = ("-", "\\N", "None")
"""What stands for a missing number or time, alongside what Arrow knows (`NA`, `NULL`, `nan` …)."""

_FIRST = 1_000
"""Rows that show how times are written."""

_USUAL = ("%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%SZ")
"""How Arrow writes times."""

_ZONE = re.compile(r"[+-]\d\d:?\d\d$")
_HEAD = 1 << 20
_MOST_FOREIGN = 0.25
"""Share of the letters beyond ASCII in a text of a Western language."""


def read_csv(path: Path, *, as_written: bool = False) -> pa.Table:
    r"""A CSV file; `as_written` keeps every value as the text that is in the file.

    Empty fields are null; text such as `NA`, `-` or `\N` is null in columns of numbers and times
    only. Codes such as `00501` stay text. What the reader was not sure of is in the table's notes:
    another encoding, comments, a missing or second header, repeated names.

    Raises:
        SourceError: The encoding can't be told, or a row has too many or too few fields.
    """
    encoding = _encoding(path)
    try:
        return _read(path, encoding, as_written)
    except SourceError as exc:
        if exc.code != "source.encoding" or not _is_western(path):
            raise
        table = _read(path, "windows-1252", as_written)
        said = exc.message.partition("` ")[2]
        return with_notes(table, [f"the file {said}; it is read as Windows-1252 (Western)"])


@dataclass(frozen=True)
class _Part:
    """A CSV file, or some of its rows.

    Attributes:
        path: The file.
        encoding: How letters are written.
        layout: Where rows begin, and what is between values.
        content: The rows, without the lines above them; None for the whole file.
        above: Lines of the file above those rows.
        columns: The names of the columns of those rows.
        notes: What was not as usual above them.
    """

    path: Path
    encoding: str
    layout: Layout
    content: bytes | None = None
    above: int = 0
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def open(self) -> pa.NativeFile:
        """The bytes, unpacked."""
        if self.content is not None:
            return pa.BufferReader(self.content)
        return pa.input_stream(str(self.path), compression="detect")

    def parts(self) -> Iterator[_Part]:
        """The rows of a file in parts."""
        encoding, above, start = self.encoding, 0, None
        columns: tuple[str, ...] = ()
        notes = columns
        with self.open() as stream:
            text = stream
            if encoding == "utf-16":
                encoding = "utf-8"
                text = pa.transcoding_input_stream(stream, self.encoding, encoding)
            for piece in text_pieces(text, end_of_rows):
                if start is None:
                    start = self.layout.end_of_head(piece)
                    first = piece[: start if self.layout.header else end_of_rows(piece[:_HEAD])]
                    top = _Part(self.path, encoding, self.layout, first)
                    columns, notes = top.named(top.names())
                else:
                    start = 0
                above += piece.count(b"\n", 0, start)
                if rows := piece[start:]:
                    yield _Part(self.path, encoding, self.layout, rows, above, columns, notes)
                above += rows.count(b"\n")

    def names(self) -> list[str]:
        """The names of its columns; without a header, those that Arrow gives."""
        with pa.csv.open_csv(self.open(), **self._options({}, null_texts=False)) as stream:
            return list(stream.schema.names)

    def named(self, found: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What its columns are called, each once, and what was not as usual."""
        if self.columns:
            return self.columns, self.notes
        names, renamed = unique_names(found if self.layout.header else [""] * len(found))
        return tuple(names), (*self.layout.notes, *renamed)

    def rows(self, types: Mapping[str, pa.DataType]) -> pa.Table:
        """All rows; columns without a type get the one that they look like."""
        return pa.csv.read_csv(self.open(), **self._options(types, null_texts=False))

    def texts(self, names: Collection[str]) -> pa.Table:
        """All rows, where some columns are the texts of numbers or times."""
        types = dict.fromkeys(names, pa.string())
        return pa.csv.read_csv(self.open(), **self._options(types, null_texts=True))

    def first_texts(self, names: Collection[str]) -> pa.RecordBatch:
        """The same of the first rows."""
        options = self._options(dict.fromkeys(names, pa.string()), null_texts=True)
        with pa.csv.open_csv(self.open(), **options) as stream:
            return stream.read_next_batch().slice(0, _FIRST)

    def _options(self, types: Mapping[str, pa.DataType], *, null_texts: bool) -> dict[str, Any]:
        layout, is_whole = self.layout, not self.columns
        return {
            "read_options": pa.csv.ReadOptions(
                encoding=self.encoding,
                block_size=_BLOCK_BYTES,
                column_names=self.columns or None,
                skip_rows=is_whole * layout.skipped,
                skip_rows_after_names=int(is_whole and layout.second),
                autogenerate_column_names=is_whole and not layout.header,
            ),
            "parse_options": pa.csv.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=True
            ),
            "convert_options": pa.csv.ConvertOptions(
                column_types=types,
                null_values=[*pa.csv.ConvertOptions().null_values, *_MISSING],
                strings_can_be_null=null_texts,
            ),
        }


def _read(path: Path, encoding: str, as_written: bool) -> pa.Table:
    whole = _Part(path, encoding, layout_of(path, encoding))
    if not _quotes_balance(path):  # Arrow closes an open quote at the end of the file
        _find_bad_row(whole)

    def read(given: Fields) -> Iterator[pa.Table]:
        first = None
        for part in whole.parts() if is_large(path) else [whole]:
            first = first or part
            yield _rows(part, first, given, as_written=as_written)

    table = in_common(read, _common)
    schema = pa.schema(map(plain_field, table.schema), table.schema.metadata)
    return pa.Table.from_arrays(table.columns, schema=schema)


def _rows(part: _Part, first: _Part, given: Fields, *, as_written: bool) -> pa.Table:
    """The rows of a part; columns of given fields get their types."""
    codes = {name for name, field in given.items() if is_code(field)}
    types = {name: field.type for name, field in given.items() if name not in codes}
    try:
        if as_written:
            table = part.rows(dict.fromkeys(part.names(), pa.string()))
        else:
            table = with_codes(part.rows(types), part.open, part.encoding, part.texts, codes)
            table = _with_forms(table, first.first_texts, part.texts)
    except (pa.ArrowException, UnicodeError) as exc:
        _find_bad_row(part)
        raise SourceError(
            f"`{part.path}` can't be read: {str(exc).splitlines()[0]}",
            code="source.unreadable",
            file=str(part.path),
            hint="give a CSV, JSON Lines, Parquet, Arrow or Excel file",
        ) from exc
    if any(pa.types.is_binary(field.type) for field in table.schema):  # text in no encoding
        _find_bad_row(part)
    try:
        found = table.column_names
    except UnicodeDecodeError:  # a header in another encoding, over rows in plain ASCII
        _find_bad_row(part)
        raise
    names, notes = part.named(found)
    table = table.rename_columns(names)
    table = pa.table(list(map(_with_nulls, table.columns)), table.schema)
    return with_notes(table, notes)


def _common(one: pa.Field, other: pa.Field) -> pa.Field:
    """What fits values that look different in two parts of a file."""
    kinds = {one.type, other.type} - {pa.null()}
    if len(kinds) == 1:
        return other if pa.types.is_null(one.type) else one
    if kinds == {pa.int64(), pa.float64()}:
        return pa.field(one.name, pa.float64())
    if all(map(holds_digits, (one, other))):
        return code_field(one.name)
    if all(pa.types.is_date(kind) or pa.types.is_timestamp(kind) for kind in kinds):
        zoned = {kind for kind in kinds if getattr(kind, "tz", None)}
        nanoseconds = any(str(kind).startswith("timestamp[ns") for kind in kinds)
        if not zoned:
            return pa.field(one.name, pa.timestamp("ns" if nanoseconds else "s"))
    return pa.field(one.name, pa.string())


def _with_nulls(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of a column with a null for each empty text."""
    if not pa.types.is_string(values.type):
        return values
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _with_forms(
    table: pa.Table,
    first: Callable[[set[str]], pa.RecordBatch],
    read: Callable[[set[str]], pa.Table],
) -> pa.Table:
    """A table whose times know how they were written, if that is not Arrow's own way.

    Times at a distance from UTC stay text, since only a text tells the local time.
    """
    timed = [
        at
        for at, kind in enumerate(table.schema.types)
        if pa.types.is_time(kind) or pa.types.is_timestamp(kind)
    ]
    if not timed or not table.num_rows:
        return table
    names = {table.column_names[at] for at in timed}
    texts = first(names)
    for at in timed:
        seen = pc.utf8_trim_whitespace(texts.column(at)).cast(pa.large_string())
        found = written_form(seen)
        if found is None or not isinstance(found.form, TimeForm) or found.stray:
            continue
        field, form = table.schema.field(at), found.form
        if _ZONE.search(form.format):
            table = table.set_column(at, field.name, read(names).column(at))
        elif form.format not in _USUAL:
            table = table.set_column(at, with_form(field, form), table.column(at))
    return table


def _encoding(path: Path) -> str:
    """UTF-16 by its byte order mark, else UTF-8."""
    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(2)
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8"


def _is_western(path: Path) -> bool:
    """Whether the bytes of a file can be a text of a Western language in Windows-1252."""
    with pa.input_stream(str(path), compression="detect") as stream:
        content = stream.read()
    try:
        text = content.decode("windows-1252")
    except UnicodeDecodeError:
        return False
    foreign = int((np.frombuffer(content, np.uint8) >= 0x80).sum())
    letters = sum(map(str.isalpha, text[:_HEAD])) * len(text) / len(text[:_HEAD])
    return foreign <= _MOST_FOREIGN * letters


def _quotes_balance(path: Path) -> bool:
    """Whether the number of quotes is even, as in every sound file."""
    quotes = 0
    with pa.input_stream(str(path), compression="detect") as stream:
        while chunk := stream.read(_BLOCK_BYTES):
            quotes += chunk.count(b'"')
    return quotes % 2 == 0


def _find_bad_row(part: _Part) -> None:
    """Look for the line that a reader stumbles over; slow, so only when there is reason to.

    Raises:
        SourceError: The line was found.
    """
    path, encoding, layout = part.path, part.encoding, part.layout
    above = part.above if part.columns else layout.skipped
    with part.open() as stream:
        content = stream.read()
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as exc:
        line = part.above + content[: exc.start].count(b"\n") + 1
        raise SourceError(
            f"`{path}` is not {encoding.upper()}: byte 0x{content[exc.start]:02x} on line {line}",
            code="source.encoding",
            file=str(path),
            line=line,
            hint=f"convert it: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8.csv",
        ) from exc
    lines = io.StringIO(text, newline="")
    for _ in range(0 if part.columns else layout.skipped):
        lines.readline()
    rows = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    line, width = 1 + above, len(part.columns)
    try:
        for row in rows:
            width = width or len(row)
            if row and len(row) != width:
                shown = layout.delimiter.join(row)[:_SHOWN]
                raise SourceError(
                    f"line {line} of `{path}` has {len(row)} field{'s' * (len(row) > 1)},"
                    f" the header has {width}: `{shown}`",
                    code="source.bad-row",
                    file=str(path),
                    line=line,
                    hint='put quotes around values that hold the separator: `"250,000"`',
                )
            line = rows.line_num + above + 1
    except csv.Error as exc:
        raise SourceError(
            f"`{path}` has a quote that is never closed, from line {line} on"
            if "unexpected end" in str(exc)
            else f"line {line} of `{path}` is not CSV: {exc}",
            code="source.bad-row",
            file=str(path),
            line=line,
        ) from exc
