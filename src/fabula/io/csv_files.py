"""CSV of any origin: `,`, `;`, tab or `|`, with or without a byte order mark, gzipped or not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from fabula.errors import SourceError
from fabula.io.csv_codes import with_codes
from fabula.io.csv_layout import Layout, layout_of, unique_names
from fabula.io.notes import with_notes
from fabula.io.written.columns import written_form
from fabula.io.written.fields import with_form
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


def _read(path: Path, encoding: str, as_written: bool) -> pa.Table:
    layout = layout_of(path, encoding)
    if not _quotes_balance(path):  # Arrow closes an open quote at the end of the file
        _find_bad_row(path, encoding, layout)

    def options(text: Collection[str]) -> dict[str, Any]:
        return {
            "read_options": pa.csv.ReadOptions(
                encoding=encoding,
                block_size=_BLOCK_BYTES,
                skip_rows=layout.skipped,
                skip_rows_after_names=int(layout.second),
                autogenerate_column_names=not layout.header,
            ),
            "parse_options": pa.csv.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=True
            ),
            "convert_options": pa.csv.ConvertOptions(
                column_types=dict.fromkeys(text, pa.string()),
                null_values=[*pa.csv.ConvertOptions().null_values, *_MISSING],
                strings_can_be_null=bool(text) and not as_written,
            ),
        }

    def read(text: Collection[str] = ()) -> pa.Table:
        return pa.csv.read_csv(path, **options(text))

    def first(text: Collection[str]) -> pa.RecordBatch:
        with pa.csv.open_csv(path, **options(text)) as stream:
            return stream.read_next_batch().slice(0, _FIRST)

    try:
        if as_written:
            with pa.csv.open_csv(path, **options(())) as stream:
                table = read(stream.schema.names)
        else:
            table = _with_forms(with_codes(read(), path, encoding, read), first, read)
    except (pa.ArrowException, UnicodeError) as exc:
        _find_bad_row(path, encoding, layout)
        raise SourceError(
            f"`{path}` can't be read: {str(exc).splitlines()[0]}",
            code="source.unreadable",
            file=str(path),
        ) from exc
    if any(pa.types.is_binary(field.type) for field in table.schema):  # text in no encoding
        _find_bad_row(path, encoding, layout)
    try:
        found = table.column_names
    except UnicodeDecodeError:  # a header in another encoding, over rows in plain ASCII
        _find_bad_row(path, encoding, layout)
        raise
    names, renamed = unique_names(found if layout.header else [""] * len(found))
    table = table.rename_columns(names)
    table = pa.table(list(map(_with_nulls, table.columns)), table.schema)
    return with_notes(table, [*layout.notes, *renamed])


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


def _find_bad_row(path: Path, encoding: str, layout: Layout) -> None:
    """Look for the line that a reader stumbles over; slow, so only when there is reason to.

    Raises:
        SourceError: The line was found.
    """
    with pa.input_stream(str(path), compression="detect") as stream:
        content = stream.read()
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as exc:
        line = content[: exc.start].count(b"\n") + 1
        raise SourceError(
            f"`{path}` is not {encoding.upper()}: byte 0x{content[exc.start]:02x} on line {line}",
            code="source.encoding",
            file=str(path),
            line=line,
            hint=f"convert it: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8.csv",
        ) from exc
    lines = io.StringIO(text, newline="")
    for _ in range(layout.skipped):
        lines.readline()
    rows = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    line, width = 1 + layout.skipped, 0
    try:
        for row in rows:
            width = width or len(row)
            if row and len(row) != width:
                shown = layout.delimiter.join(row)[:_SHOWN]
                raise SourceError(
                    f"line {line} of `{path}` has {len(row)} fields, the header has {width}:"
                    f" `{shown}`",
                    code="source.bad-row",
                    file=str(path),
                    line=line,
                    hint='put quotes around values that hold the separator: `"250,000"`',
                )
            line = rows.line_num + layout.skipped + 1
    except csv.Error as exc:
        raise SourceError(
            f"`{path}` has a quote that is never closed, from line {line} on"
            if "unexpected end" in str(exc)
            else f"line {line} of `{path}` is not CSV: {exc}",
            code="source.bad-row",
            file=str(path),
            line=line,
        ) from exc
