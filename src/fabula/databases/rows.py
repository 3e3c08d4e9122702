"""The tables of a database as sources; rows beyond memory wait in a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from fabula.databases.base import Database
from fabula.databases.opening import address_of, database_at
from fabula.errors import SourceError, did_you_mean
from fabula.io.stated_keys import StatedKey, StatedKeys, with_stated_keys

if TYPE_CHECKING:
    import pyarrow.dataset as ds

Rows: TypeAlias = "pa.Table | ds.Dataset"

IN_MEMORY = 256 << 20
"""Bytes of a table that are held in memory."""


def tables_at(place: str) -> dict[str, Callable[[], Rows]]:
    """What reads each table of a database; `?table=a,b` at the end of the address names some.

    Raises:
        SourceError: It can't be read, or has no such table.
    """
    place, _, wanted = place.partition("?table=")
    with database_at(place, reads=True) as database, database.failures():
        known = database.tables()
    names = wanted.split(",") if wanted else known
    for name in names:
        if name not in known:
            raise SourceError(
                f"the database has no table `{name}`",
                code="source.missing-table",
                where=address_of(place).shown,
                hint=did_you_mean(name, known) or f"it has {', '.join(known) or 'no table'}",
            )
    return {name: partial(_rows, place, name) for name in names}


def _rows(place: str, table: str) -> Rows:
    """The rows of a table."""
    with database_at(place, reads=True) as database, database.failures(table):
        keys = _keys_of(database, table)
        reader = database.batches(table)
        schema = with_stated_keys(reader.schema, keys)
        held: list[pa.RecordBatch] = []
        size = 0
        for batch in reader:
            held.append(batch)
            size += batch.nbytes
            if size > IN_MEMORY:
                return _spilled(held, reader, schema)
    return pa.Table.from_batches(held, reader.schema).cast(schema)


def _keys_of(database: Database, table: str) -> StatedKeys:
    """The keys that the database states; a key that names no columns of its parent is its own."""
    own = tuple(name for name, place in database.columns(table).items() if place.key)
    return StatedKeys(
        own,
        tuple(
            StatedKey(key.columns, key.parent, key.key if all(key.key) else ())
            for key in database.keys(table)
        ),
    )


def _spilled(held: list[pa.RecordBatch], reader: pa.RecordBatchReader, schema: pa.Schema) -> Rows:
    """Rows in a file that goes with the process."""
    from pyarrow import dataset as ds

    folder = tempfile.TemporaryDirectory(prefix="fabula-rows-")
    path = f"{folder.name}/rows.arrow"
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for batch in held:
            file.write(batch)
        held.clear()
        for batch in reader:
            file.write(batch)
    rows = ds.dataset(path, format="ipc")
    _FOLDERS.append(folder)
    return rows


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Folders that are removed when the process ends."""
