"""The bytes of files as chunks of text: as they are, unpacked, and as the rows of their tables."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import ipc, orc

from fabula.errors import SourceError
from fabula.io.arrays import is_text

CHUNK = 1 << 18
_LONGEST_LINE = 1 << 16
_MOST_UNPACKED = 1 << 33
_DEEPEST = 3
_PAGES = ("cp1250", "cp1251", "iso-8859-2", "koi8-r", "mac-roman", "cp437")
_CONTROLS, _TEXT = bytes({*range(32)} - {9, 10, 13}), 0.99
_PACKED: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


@dataclass(frozen=True)
class Chunk:
    """A part of a file.

    Attributes:
        place: What of the file it is, in words; empty for its bytes as they are.
        data: The bytes.
        first_line: The number of its first line, from 1; 0 where lines have no numbers.
        columns: The columns of each line, which tabs part, where lines are rows of a table.
        is_repeated: Whether other chunks have all texts of it, as those of Parquet have.
    """

    place: str
    data: bytes
    first_line: int = 1
    columns: tuple[str, ...] = ()
    is_repeated: bool = False


def chunks_of(path: Path) -> Iterator[Chunk]:
    """Every chunk of a file.

    Raises:
        SourceError: The file can't be read.
    """
    try:
        with path.open("rb") as stream:
            is_parquet = stream.read(4) == b"PAR1"
            stream.seek(0)
            for chunk in _chunks(stream, ""):
                yield replace(chunk, is_repeated=is_parquet)
            yield from _inner(stream, "")
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException) as exc:
        raise SourceError(
            f"`{path.name}` can't be read to its end: {str(exc).partition(chr(10))[0]}",
            code="scan.unreadable",
            where=str(path),
        ) from exc


def readings(data: bytes) -> Iterator[str]:
    """Bytes as text: as UTF-8, and in the code pages of before if they are none."""
    try:
        yield data.decode()
    except UnicodeDecodeError:
        yield data.decode("utf-8", "replace")
        yield data.decode("cp1252", "replace")
        if len(data.translate(None, _CONTROLS)) > _TEXT * len(data):
            yield from (data.decode(page, "replace") for page in _PAGES)


def _chunks(stream: BinaryIO, place: str) -> Iterator[Chunk]:
    """Bytes in chunks that end with a line, so that no value is cut."""
    rest, line = b"", 1
    total = 0
    while data := stream.read(CHUNK):
        total += len(data)
        if total > _MOST_UNPACKED and place:
            raise EOFError(f"more than {_MOST_UNPACKED >> 30} GiB unpacked")
        data = rest + data
        cut = data.rfind(b"\n") + 1
        if not cut or len(data) - cut > _LONGEST_LINE:
            cut = max(cut, len(data) - 256)
            kept = data  # a value over the cut is found in this chunk or in the next
        else:
            kept = data[:cut]
        yield Chunk(place, kept, line)
        line += data[:cut].count(b"\n")
        rest = data[cut:]
    if rest:
        yield Chunk(place, rest, line)


def _inner(stream: BinaryIO, place: str, depth: int = 1) -> Iterator[Chunk]:
    """What is packed inside a file, and inside that."""
    stream.seek(0)
    head = stream.read(16)
    stream.seek(0)
    for magic, opened in _PACKED.items():
        if head.startswith(magic):
            with opened(stream, "rb") as unpacked:
                yield from _unpacked(unpacked, _under(place, "unpacked"), depth)
    if head.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(stream) as archive:
            yield Chunk(_under(place, "names of files"), "\n".join(archive.namelist()).encode(), 0)
            for name in archive.namelist():
                with archive.open(name) as member:
                    yield from _unpacked(member, _under(place, name), depth)
    elif head.startswith(b"PAR1"):
        yield from _parquet(stream)
    elif head.startswith(b"ORC"):
        reader = orc.ORCFile(stream)
        for stripe in range(reader.nstripes):
            yield from _rows(pa.Table.from_batches([reader.read_stripe(stripe)]), 0)
    elif head.startswith(b"ARROW1"):
        with ipc.open_file(stream) as reader:
            for at in range(reader.num_record_batches):
                yield from _rows(pa.Table.from_batches([reader.get_batch(at)]), 0)
    elif head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = stream.read().decode("utf-16", "replace")
        yield from _chunks(io.BytesIO(text.encode()), _under(place, "UTF-16"))


def _under(place: str, part: str) -> str:
    return f"{place}/{part}" if place else part


def _unpacked(stream: Any, place: str, depth: int) -> Iterator[Chunk]:
    """A packed file and what is packed in it.

    Raises:
        EOFError: It is larger than a scan reads, or packed too often.
    """
    if depth > _DEEPEST:
        raise EOFError(f"`{place}` is packed more than {_DEEPEST} times")
    with TemporaryFile() as copy:
        yield from _chunks(stream, place)
        stream.seek(0)
        shutil.copyfileobj(stream, copy)
        yield from _inner(copy, place, depth + 1)


def _parquet(stream: BinaryIO) -> Iterator[Chunk]:
    """Rows, whole dictionaries and statistics."""
    file = pq.ParquetFile(stream)
    names = file.schema_arrow.names
    statistics, row = [], 1
    yield Chunk("schema", str(file.schema_arrow.to_string(truncate_metadata=False)).encode(), 0)
    for group in range(file.metadata.num_row_groups):
        table = file.read_row_group(group)
        yield from _rows(table, row)
        row += table.num_rows
        meta = file.metadata.row_group(group)
        for at in range(meta.num_columns):
            column = meta.column(at)
            found = column.statistics
            if found is not None and found.has_min_max:
                statistics += [str(found.min), str(found.max)]
    yield Chunk("statistics", "\n".join(statistics).encode(), 0)
    texts = [name for name in names if is_text(file.schema_arrow.field(name).type)]
    if texts:
        whole = pq.ParquetFile(stream, read_dictionary=texts)
        for group in range(whole.metadata.num_row_groups):
            for name, column in zip(texts, whole.read_row_group(group, texts).columns, strict=True):
                for part in column.chunks:
                    if pa.types.is_dictionary(part.type):
                        values = "\n".join(map(str, part.dictionary.to_pylist()))
                        yield Chunk(f"dictionary of `{name}`", values.encode("utf-8", "replace"), 0)


def _rows(table: pa.Table, first: int) -> Iterator[Chunk]:
    """The rows of a table as lines, their columns parted by tabs."""
    for start in range(0, table.num_rows, 1 << 16):
        part = table.slice(start, 1 << 16)
        columns = [_texts(column) for column in part.columns]
        if columns:
            lines = pc.binary_join_element_wise(*columns, pa.scalar("\t", pa.large_string()))
            data = "\n".join(lines.to_pylist()).encode("utf-8", "replace")
            yield Chunk("rows", data, first + start if first else 0, tuple(table.column_names))


def _texts(column: pa.ChunkedArray) -> pa.Array:
    """A column as texts of one line each; nested values as Python writes them."""
    values = column.combine_chunks()
    if pa.types.is_floating(values.type):
        whole = pc.all(pc.equal(pc.floor(values), values)).as_py()
        if whole and (pc.max(pc.abs(values)).as_py() or 0) < 2**62:
            values = pc.cast(values, pa.int64(), safe=False)
    try:
        texts = values.cast(pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        texts = pa.array([None if v is None else _spelled(v) for v in values.to_pylist()],
                         pa.large_string())  # fmt: skip
    return pc.replace_substring_regex(texts.fill_null(""), r"[\t\r\n]+", " ")


def _spelled(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
