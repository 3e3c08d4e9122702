"""Tables into files, block by block, with flat memory. Stage 5 of 6.

`writing` gives a function that takes blocks; the file exists, whole and synced, when its
`with` ends. The same blocks give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv

from fabula.io.arrays import plain_type
from fabula.io.destinations import names_file
from fabula.io.formats import FILE_FORMATS, Format, format_of, separator_of
from fabula.io.formula_cells import FormulaGuard
from fabula.io.formulas import NO_FORMULAS, is_asked, tell
from fabula.io.jsonl import json_texts
from fabula.io.names import file_stem
from fabula.io.places import make_folder, replacing, sha256_of
from fabula.io.written.clock import clock_texts
from fabula.io.written.fields import form_of
from fabula.streams import BLOCK_ROWS

ROW_GROUP_ROWS = 4 * BLOCK_ROWS
"""Rows in one Parquet row group: 64 Ki rows cost a fifth of the speed, 1 Mi only memory."""


@dataclass(frozen=True)
class WrittenFile:
    """A finished file.

    Attributes:
        name: Its name; in a run, its path from the folder on.
        rows: Rows in it.
        bytes: Its size.
        sha256: The hash of its bytes.
        formulas: Cells of a CSV file that start like a spreadsheet's formula, by column.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    formulas: Mapping[str, int] = field(default_factory=dict)


class Encoder(Protocol):
    """Turns blocks into the bytes of one file.

    One that spreadsheets read also has `formulas`: cells that start like a formula, by column.
    """

    def write(self, block: pa.Table) -> None:
        """Add a block's rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


@dataclass
class OpenFile:
    """A file that takes blocks; `written` tells what it became once it is closed."""

    encoder: Encoder
    rows: int = 0
    written: WrittenFile | None = None

    def write(self, block: pa.Table) -> None:
        self.encoder.write(block)
        self.rows += block.num_rows


@contextmanager
def writing(
    path: Path, schema: pa.Schema, file_format: Format, *, escape_formulas: bool | None = None
) -> Iterator[OpenFile]:
    """Open a file for blocks; it takes its name only when the `with` ends well.

    Raises:
        SinkError: The place can't be written; nothing is left behind.
    """
    escape = is_asked(escape_formulas)
    with replacing(path) as temporary:
        with pa.OSFile(str(temporary), "wb") as sink:
            encoder = FILE_FORMATS[file_format].writer()(sink, schema, path, escape)
            file = OpenFile(encoder)
            try:
                yield file
            except BaseException:
                with suppress(OSError, pa.ArrowException):
                    file.encoder.close()
                raise
            file.encoder.close()
        digest = sha256_of(temporary)
        file.written = WrittenFile(
            path.name,
            file.rows,
            temporary.stat().st_size,
            digest,
            dict(getattr(file.encoder, "formulas", NO_FORMULAS)),
        )


def write_table(
    path: Path,
    blocks: pa.Table | Iterable[pa.Table],
    schema: pa.Schema,
    file_format: Format,
    *,
    escape_formulas: bool | None = None,
) -> WrittenFile:
    """Write a table, or its blocks one after the other, to a file; formulas in CSV are warned of.

    Raises:
        SinkError: The place can't be written; nothing is left behind.
    """
    with writing(path, schema, file_format, escape_formulas=escape_formulas) as file:
        for block in [blocks] if isinstance(blocks, pa.Table) else blocks:
            file.write(block)
    assert file.written is not None
    tell(path.name, file.written.formulas, escaped=is_asked(escape_formulas))
    return file.written


def write_tables(
    path: Path,
    tables: Mapping[str, pa.Table],
    file_format: Format = "parquet",
    *,
    escape_formulas: bool | None = None,
) -> list[Path]:
    """Write each table to a file in a folder, or the only one to the file that `path` names.

    Raises:
        SinkError: The place can't be written.
    """
    single = names_file(path)
    make_folder(path.parent if single else path)
    form = format_of(path) if single else file_format
    files = [path if single else path / f"{file_stem(name)}.{form}" for name in tables]
    for file, table in zip(files, tables.values(), strict=True):
        write_table(file, table, table.schema, form, escape_formulas=escape_formulas)
    return files


class ParquetFile:
    """Parquet with snappy.

    Only columns that come dictionary-encoded get a dictionary: hashing every float for one
    would cost a fifth of the speed. Whole numbers and times are stored as differences, which
    is both faster than plain and a third smaller.
    """

    def __init__(self, sink: pa.NativeFile, schema: pa.Schema, *_: object) -> None:
        dictionaries = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        options: dict[str, Any] = {
            "compression": "snappy",
            "use_dictionary": dictionaries,
            "column_encoding": {
                field.name: "DELTA_BINARY_PACKED" for field in schema if _is_whole(field.type)
            },
        }
        from pyarrow.parquet import ParquetWriter  # with clients of file systems, here alone

        self._writer = ParquetWriter(sink, schema, **options)
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, block: pa.Table) -> None:
        """Add a block's rows; a row group is written when enough have come."""
        self._waiting.append(block)
        self._rows += block.num_rows
        if self._rows >= ROW_GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write the last rows and the footer."""
        try:
            self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=self._rows)
        self._waiting, self._rows = [], 0


class CsvFile:
    """CSV as RFC 4180 has it, in UTF-8; text is quoted, so a null differs from empty text.

    Attributes:
        formulas: Cells that start like a spreadsheet's formula, by column.
    """

    def __init__(
        self,
        sink: pa.NativeFile,
        schema: pa.Schema,
        path: Path = Path(),
        escape: bool | None = None,
    ) -> None:
        self._guard = FormulaGuard(is_asked(escape))
        self.formulas = self._guard.found
        self._forms = {field.name: form for field in schema if (form := form_of(field))}
        texts = dict.fromkeys(self._forms, pa.string())
        flat = self._guard.header(
            pa.schema([(f.name, texts.get(f.name, csv_type(f.type))) for f in schema])
        )
        self._names = flat.names
        self._writer = pa.csv.CSVWriter(
            sink, flat, write_options=pa.csv.WriteOptions(delimiter=separator_of(path))
        )

    def write(self, block: pa.Table) -> None:
        """Add a block's rows; lists and structures become JSON text."""
        nested = [field.name for field in block.schema if pa.types.is_nested(field.type)]
        texts = json_texts(block, nested) if nested else block
        for position, column in enumerate(block.schema):
            values = texts.column(column.name) if column.name in nested else None
            if pa.types.is_duration(column.type):
                values = clock_texts(block.column(position).combine_chunks())
            elif form := self._forms.get(column.name):
                times = block.column(position).combine_chunks().cast(form.type, safe=False)
                values = form.write(times).cast(pa.string())
            if values is not None:
                block = block.set_column(position, column.name, values)
        self._writer.write_table(self._guard.rows(block).rename_columns(self._names))

    def close(self) -> None:
        self._writer.close()


class ArrowFile:
    """Arrow IPC without compression, so that readers can map it into memory.

    The format allows one dictionary a column in a file, and blocks may bring different ones:
    dictionary columns are written as plain values.
    """

    def __init__(self, sink: pa.NativeFile, schema: pa.Schema, *_: object) -> None:
        self._schema = pa.schema([(field.name, plain_type(field.type)) for field in schema])
        self._writer = pa.ipc.new_file(sink, self._schema)

    def write(self, block: pa.Table) -> None:
        self._writer.write_table(block.cast(self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def csv_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column in CSV: nested values are JSON text there, durations texts."""
    text = pa.types.is_nested(kind) or pa.types.is_duration(kind)
    return pa.string() if text else plain_type(kind)


def _is_whole(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_timestamp, pa.types.is_date32)
    return any(test(kind) for test in tests)
