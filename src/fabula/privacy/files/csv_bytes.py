"""CSV whose kept columns stay unchanged to the byte: quotes, spaces, line ends and all.

Rows are found by their separators alone, with numpy: a separator counts where the number of quotes
before it is even. Only fields of columns that change are read and written.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.io.csv_layout import Layout, end_of_rows, layout_of, unique_names
from fabula.privacy.files.splice import Places, pieces, spliced

BLOCK_BYTES = 8 << 20
_LONGEST_ROW = 256 << 20
_SAMPLED_BYTES = 24 << 20
_QUOTE, _LINE, _RETURN = ord('"'), ord("\n"), ord("\r")
_MARK = b"\xef\xbb\xbf"
_WESTERN = "windows-1252"


@dataclass(frozen=True)
class CsvBlock:
    """Some rows of a file.

    Attributes:
        text: Their bytes, and those of blank lines between them.
        starts: Where each field starts, a row of places a line.
        ends: Where each field ends.
        names: The columns.
        encoding: How letters are written.
    """

    text: bytes
    starts: Places
    ends: Places
    names: Sequence[str]
    encoding: str

    def table(self, names: Sequence[str] | None = None) -> pa.Table:
        """Columns as texts; empty fields are null."""
        wanted = self.names if names is None else names
        return pa.table({name: self._column(self.names.index(name)) for name in wanted})

    def written(self, new: Mapping[str, pa.Array], dropped: Sequence[str]) -> pa.Buffer:
        """The bytes of the rows with new values.

        Args:
            new: New texts by column.
            dropped: Columns to leave out.
        """
        changed = [at for at, name in enumerate(self.names) if name in new or name in dropped]
        if not changed or not len(self.starts):
            return pa.py_buffer(self.text)
        starts, ends, values = self.starts[:, changed].copy(), self.ends[:, changed].copy(), []
        for place, at in enumerate(changed):
            name = self.names[at]
            if name in dropped:
                lead = all(each in dropped for each in self.names[: at + 1])
                starts[:, place] -= not lead
                ends[:, place] += lead
                values.append(pa.repeat(pa.scalar(b"", pa.large_binary()), len(starts)))
            else:
                values.append(self._new_fields(at, new[name]))
        return spliced(self.text, starts.reshape(-1), ends.reshape(-1), values)

    @cached_property
    def _bytes(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.text, np.uint8)

    def _column(self, at: int) -> pa.Array:
        fields = pieces(self.text, self.starts[:, at], self.ends[:, at])
        texts = _decoded(fields, self.encoding)
        quoted = pc.starts_with(texts, '"')
        if pc.any(quoted).as_py():
            inner = pc.replace_substring(pc.utf8_slice_codeunits(texts, 1, -1), '""', '"')
            texts = pc.if_else(quoted, inner, texts)
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.large_string()), texts)

    def _new_fields(self, at: int, new: pa.Array) -> pa.Array:
        """New texts as fields, in quotes where the old ones are or the sign between fields asks."""
        old_starts, old_ends = self.starts[:, at], self.ends[:, at]
        full = old_ends > old_starts
        first = np.zeros(len(full), np.uint8)
        first[full] = self._bytes[old_starts[full]]
        texts = pc.fill_null(new.cast(pa.large_string()), "")
        needed = pc.match_substring_regex(texts, r'[",;\t|\r\n]')
        quoted = pc.or_(needed, pa.array(first == _QUOTE))
        if pc.any(quoted).as_py():
            inner = pc.replace_substring(texts, '"', '""')
            mark = pa.scalar('"', pa.large_string())
            nothing = pa.scalar("", pa.large_string())
            texts = pc.if_else(
                quoted, pc.binary_join_element_wise(mark, inner, mark, nothing), texts
            )
        return _encoded(texts, self.encoding)


@dataclass(frozen=True, eq=False)
class CsvSource:
    """A CSV file, gzipped or not.

    Attributes:
        path: The file.
    """

    path: Path

    @cached_property
    def encoding(self) -> str:
        """UTF-8, or Windows-1252 where the first bytes are none.

        Raises:
            SourceError: It is UTF-16.
        """
        head = self._start
        if b"\r" in head and b"\n" not in head:
            raise SourceError(
                f"the lines of `{self.path}` end like those of old Macs",
                code="source.line-ends",
                file=str(self.path),
                hint=f"tr '\\r' '\\n' < {self.path} > lines.csv",
            )
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise SourceError(
                f"`{self.path}` is UTF-16, and only UTF-8 is masked",
                code="source.encoding",
                file=str(self.path),
                hint=f"iconv -f UTF-16 -t UTF-8 {self.path.name} > utf8.csv",
            )
        try:
            head[: head.rfind(b"\n") + 1 or len(head)].decode("utf-8")
        except UnicodeDecodeError:
            return _WESTERN
        return "utf-8"

    @cached_property
    def layout(self) -> Layout:
        """Where its rows begin, and what is between values."""
        return layout_of(self.path, self.encoding)

    @cached_property
    def head(self) -> bytes:
        """The bytes before the first row: titles, comments, the header, units."""
        return self._start[: self.layout.end_of_head(self._start)]

    @cached_property
    def names(self) -> list[str]:
        """Its columns."""
        start = self._start
        line = _first_line(start[len(self._before) :]).decode(self.encoding, "replace")
        cells = next(csv.reader([line], delimiter=self.layout.delimiter), [])
        return unique_names(cells if self.layout.header else [""] * len(cells))[0]

    def sample(self) -> pa.Table:
        """Rows from all parts of the file; all rows where it is small."""
        size = self.path.stat().st_size
        step = max(1, size // _SAMPLED_BYTES)
        parts = [block.table() for at, (block, _) in enumerate(self.blocks()) if at % step == 0]
        return pa.concat_tables([self.no_rows(), *parts])

    def no_rows(self) -> pa.Table:
        """Its columns without rows; values are texts."""
        return pa.table({name: pa.array([], pa.large_string()) for name in self.names})

    def about_rows(self) -> int:
        """About how many rows there are, by the length of the first ones."""
        lines = max(1, self._start.count(b"\n"))
        return int(self.path.stat().st_size * lines / max(1, len(self._start)))

    def tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Blocks of some columns."""
        return (block.table(names) for block, _ in self.blocks())

    def blocks(self, start: int = 0, size: int = BLOCK_BYTES) -> Iterator[tuple[CsvBlock, int]]:
        """Blocks of rows, and where the file is read up to after each.

        Args:
            start: Where to begin, as a call before has told; 0 for the first row.
            size: How many bytes are read at a time.

        Raises:
            SourceError: A row has too many or too few fields.
        """
        at, line = start or len(self.head), 0 if start else self.head.count(b"\n")
        with pa.input_stream(str(self.path), compression="detect") as stream:
            _skip(stream, at)
            rest = b""
            while text := rest + (chunk := stream.read(size)):
                end = end_of_rows(text) if chunk else len(text)
                if end:
                    yield self._block(text[:end], line), at + end
                    at, line = at + end, line + text.count(b"\n", 0, end)
                elif len(text) > _LONGEST_ROW:
                    raise self._bad_row("has a quote that is never closed", line)
                rest = text[end:]
                if not chunk:
                    return

    def header(self, dropped: Sequence[str]) -> bytes:
        """The bytes before the first row, without the names of dropped columns."""
        if not dropped or not self.layout.header:
            return self.head
        line = _first_line(self.head[len(self._before) :])
        after = self.head[len(self._before) + len(line) :]
        written = bytes(self._block(line, 0).written({}, dropped))
        return self._before + written + after

    @cached_property
    def _start(self) -> bytes:
        with pa.input_stream(str(self.path), compression="detect") as stream:
            return bytes(stream.read(BLOCK_BYTES))

    @property
    def _before(self) -> bytes:
        """The bytes before the header."""
        start = self._start
        end = len(_MARK) * start.startswith(_MARK)
        for _ in range(self.layout.skipped):
            end = start.find(b"\n", end) + 1 or len(start)
        return start[:end]

    def _block(self, text: bytes, line: int) -> CsvBlock:
        """The rows in some bytes, which end with a row."""
        found = _fields(text, ord(self.layout.delimiter), len(self.names))
        if found is None:
            many = f"does not have {len(self.names)} fields, as the header has"
            raise self._bad_row(f"has a row that {many}", line)
        return CsvBlock(text, *found, self.names, self.encoding)

    def _bad_row(self, told: str, line: int) -> SourceError:
        after = f", after line {line:,}" if line else ""
        return SourceError(
            f"`{self.path}` {told}{after}",
            code="source.bad-row",
            file=str(self.path),
            hint='put quotes around values that hold the separator: `"250,000"`',
        )


def _fields(text: bytes, delimiter: int, width: int) -> tuple[Places, Places] | None:
    """Where fields start and end, a row of places a line; None if a row has another width."""
    if not text.endswith(b"\n"):
        text += b"\n"
    signs = np.frombuffer(text, np.uint8)
    lines = signs == _LINE
    marks = lines | (signs == delimiter)
    quotes = signs == _QUOTE
    if quotes.any():
        marks &= ~np.bitwise_xor.accumulate(quotes)
    if not marks[-1]:
        return None  # within a quote that is never closed
    ends = np.flatnonzero(marks)
    is_last = lines[ends]
    starts = np.empty_like(ends)
    starts[:1], starts[1:] = 0, ends[:-1] + 1
    returned = is_last & (ends > starts) & (signs[ends - 1] == _RETURN)
    first = np.ones(len(ends), bool)
    first[1:] = is_last[:-1]
    blank = first & is_last & (ends - returned == starts)
    if width > 1 and blank.any():
        ends, starts, is_last = ends[~blank], starts[~blank], is_last[~blank]
        returned = returned[~blank]
    ends = ends - returned
    rows = len(ends) // width
    if len(ends) != rows * width or not is_last[width - 1 :: width].all() or is_last.sum() != rows:
        return None
    return starts.reshape(rows, width), ends.reshape(rows, width)


def _first_line(text: bytes) -> bytes:
    return text[: text.find(b"\n") + 1 or len(text)]


def _skip(stream: pa.NativeFile, count: int) -> None:
    while count > 0 and (read := stream.read(min(count, BLOCK_BYTES))):
        count -= len(read)


def _decoded(fields: pa.Array, encoding: str) -> pa.Array:
    if encoding == "utf-8":
        return fields.cast(pa.large_string())
    return pa.array([each.decode(encoding, "replace") for each in fields.to_pylist()],
                    pa.large_string())  # fmt: skip


def _encoded(texts: pa.Array, encoding: str) -> pa.Array:
    if encoding == "utf-8":
        return texts.cast(pa.large_binary())
    return pa.array([_western(text) for text in texts.to_pylist()], pa.large_binary())


def _western(text: str) -> bytes:
    try:
        return text.encode(_WESTERN)
    except UnicodeEncodeError:
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore")
