"""Real files and addresses whose rows become a table's rows, as planning and engines read them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.io.names import scheme_of
from fabula.io.places import sha256_of
from fabula.io.tables import held_table
from fabula.kinds.source import Source, SourceTable
from fabula.spec.tables import TableSpec
from fabula.streams import BLOCK_ROWS, stream


def source_rows(file: str) -> pa.Table:
    """The rows of a file or an address; read once as long as it does not change.

    Many rows lie in an unnamed file, so that they take no memory. An address is read again after
    `look_again`.

    Raises:
        SourceError: It is missing, or can't be read as a table.
    """
    return _read(file, *_state(file))


def table_rows(source: SourceTable) -> pa.Table:
    """The rows of a file that become a table's rows: all but those of people who are kept out."""
    rows = source_rows(source.file)
    return rows.filter(pa.array(~_kept_out(source, rows))) if source.kept_out else rows


def held_rows(source: SourceTable) -> pa.Table:
    """The rows of the people who are kept out."""
    rows = source_rows(source.file)
    return rows.filter(pa.array(_kept_out(source, rows)))


def _kept_out(source: SourceTable, rows: pa.Table) -> NDArray[np.bool_]:
    """Which rows are of people who are kept out; the same ones for the same file."""
    groups = people_in(rows, source.person)
    people_there = int(groups.max(initial=-1)) + 1
    order = stream(0, "source", "holdout", 0).permutation(people_there)
    return np.asarray(order[groups] < round(source.kept_out * people_there))


def people_in(rows: pa.Table, person: str | None) -> NDArray[np.int64]:
    """A number for the person of each row; a row that names nobody is someone of its own.

    Args:
        rows: The rows as the file has them.
        person: The column that identifies the person; without one, each row is a person.
    """
    groups = np.arange(rows.num_rows)
    if person not in rows.column_names:
        return groups
    people = rows.column(person).combine_chunks().dictionary_encode()
    codes = people.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    groups = np.where(codes < 0, len(people.dictionary) + groups, codes)
    return np.asarray(np.unique(groups, return_inverse=True)[1], np.int64)


def source_hash(file: str) -> str:
    """The hash of a file, or of rows that are elsewhere; worked out once like `source_rows`."""
    return _hash(file, *_state(file))


def look_again(file: str) -> None:
    """Read the rows of an address again when they are next needed: others may change it."""
    if scheme_of(file):
        _LOOKS[file] = _LOOKS.get(file, 0) + 1


_LOOKS: dict[str, int] = {}
"""How often each address was looked at."""


def source_type(column: Source, name: str, table: TableSpec) -> pa.DataType | None:
    """The type of a column of a table's file; None if the table or the file lacks it."""
    if table.source is None:
        return None
    try:
        return source_rows(table.source.file).schema.field(column.column or name).type
    except (SourceError, KeyError):  # noted where the table's columns are settled
        return None


def _state(file: str) -> tuple[int, int]:
    try:
        facts = Path(file).stat()
    except OSError:
        return _LOOKS.get(file, 0), 0  # reading it tells what is wrong
    return facts.st_mtime_ns, facts.st_size


@lru_cache(maxsize=8)
def _read(file: str, changed: int, size: int) -> pa.Table:
    del changed, size  # part of the cache's key
    return held_table(file).replace_schema_metadata(None)


@lru_cache(maxsize=8)
def _hash(file: str, changed: int, size: int) -> str:
    path = Path(file)
    return sha256_of(path) if path.is_file() else _hash_of(_read(file, changed, size))


def _hash_of(rows: pa.Table) -> str:
    """The hash of values, however they are cut into pieces."""
    digest = hashlib.sha256(str(rows.schema.remove_metadata()).encode())
    for start in range(0, rows.num_rows, BLOCK_ROWS):
        for column in rows.slice(start, BLOCK_ROWS).columns:
            for values in (column.is_valid(), column.drop_null()):  # nulls may hide any bytes
                whole = pa.concat_arrays([pa.array([], values.type), *values.chunks])
                digest.update(pa.record_batch([whole], [""]).serialize())
    return digest.hexdigest()
