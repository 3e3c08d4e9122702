"""Tables as Parquet files in a folder of this machine, ready to be uploaded.

A file is whole, and its hash known, before the first byte leaves: an upload can be repeated, and
a name made of the hash means the same bytes for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from fabula.errors import SinkError, UsageError, did_you_mean
from fabula.io.arrays import plain_type
from fabula.io.destinations import Blocks, Incoming
from fabula.io.names import file_stem
from fabula.io.places import make_folder, sha256_of
from fabula.io.write import ROW_GROUP_ROWS, write_table

ROWS_OF_FILE = 16 * ROW_GROUP_ROWS // 4
"""Rows of a file: those of a part of a run."""

MOST_FOLDERS = 1024
"""Folders that partitioning may make: more would be files of a few rows."""

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The folder of rows that have no value, as Hive calls it."""


@dataclass(frozen=True)
class Staged:
    """A file of one table, on this machine.

    Attributes:
        table: The table.
        path: Where it is now.
        name: Where it goes: `orders/country=AT/part-00000-1a2b3c4d.parquet`.
        rows: Rows in it.
        bytes: Its size.
        sha256: The hash of its bytes.
        values: The values of the columns that tables are partitioned by; None for missing.
    """

    table: str
    path: Path
    name: str
    rows: int
    bytes: int
    sha256: str
    values: dict[str, str | None]

    @property
    def record(self) -> dict[str, Any]:
        """The file as a manifest names it."""
        return {"path": self.name, "rows": self.rows, "bytes": self.bytes, "sha256": self.sha256}


def record_of(
    manifest: Mapping[str, Any],
    tables: Sequence[Incoming],
    files: Sequence[Staged],
    *,
    folder: str = "",
    partition_by: Sequence[str] = (),
) -> dict[str, Any]:
    """A run's manifest with the staged files in place of its own; of tables alone without a run."""
    told = {}
    for table in tables:
        parts = [file for file in files if file.table == table.name]
        count = sum(part.rows for part in parts)
        whole = {"requested": count, "written": count, "rejected": 0, "reasons": {}}
        told[table.name] = {
            **manifest.get("tables", {}).get(table.name, whole),
            "files": [{**part.record, "path": f"{folder}{part.name}"} for part in parts],
            "columns": table.schema.names,
            "partition_by": {
                name: str(plain_type(table.schema.field(name).type))
                for name in partition_by
                if name in table.schema.names
            },
        }
    return {**manifest, "tables": told}


def staged(
    tables: Sequence[Incoming], rows: Blocks, folder: Path, partition_by: Sequence[str] = ()
) -> Iterator[Staged]:
    """Each file of the tables, written when it is asked for; the caller removes it.

    A table without rows is one file without rows.

    Raises:
        SinkError: Partitions are too many.
    """
    for table in tables:
        keys = [name for name in partition_by if name in table.schema.names]
        place = folder / file_stem(table.name)
        make_folder(place)
        paths = _partitioned(table, rows, place, keys) if keys else _whole(table, rows, place)
        for number, (path, count) in enumerate(paths):
            digest = sha256_of(path)
            inner = path.relative_to(folder).parent.as_posix()
            name = f"{inner}/part-{number:05d}-{digest[:8]}.parquet"
            values = dict(_value(part) for part in Path(inner).parts[1:])
            yield Staged(table.name, path, name, count, path.stat().st_size, digest, values)


def check_partitions(tables: Sequence[Incoming], partition_by: Sequence[str]) -> None:
    """Make sure that a table has each column of `partition_by`, and keeps one that it lacks.

    Raises:
        UsageError: No table has the column, a table has no other, or values can't name folders.
    """
    known = {name for table in tables for name in table.schema.names}
    for column in partition_by:
        if column not in known:
            raise UsageError(
                f"no table has the column `{column}` to partition by",
                code="usage.partition",
                hint=did_you_mean(column, sorted(known)) or f"choose from {', '.join(known)}",
            )
    for table in tables:
        keys = [name for name in partition_by if name in table.schema.names]
        if keys and len(keys) == len(table.schema.names):
            raise UsageError(
                f"`{table.name}` has no column besides those that it is partitioned by",
                code="usage.partition",
                hint="leave out one of them",
            )
        for name in keys:
            kind = plain_type(table.schema.field(name).type)
            tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_date32)
            if not any(test(kind) for test in (*tests, pa.types.is_integer, pa.types.is_boolean)):
                raise UsageError(
                    f"`{table.name}.{name}` is {kind}, and folders are named by texts, whole"
                    " numbers, dates or booleans",
                    code="usage.partition",
                    hint="partition by another column",
                )


def _whole(table: Incoming, rows: Blocks, folder: Path) -> Iterator[tuple[Path, int]]:
    """The files of a table, each with its rows, and with a row at least where there is any."""
    blocks = (block for block in rows(table.name) if block.num_rows)
    for number in range(1 << 62):
        path = folder / f"{number}.parquet"
        written = write_table(path, _some(blocks), table.schema, "parquet")
        if number and not written.rows:
            path.unlink()
            return
        yield path, written.rows
        if written.rows < ROWS_OF_FILE:
            return


def _some(blocks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Blocks of as many rows as a file takes."""
    count = 0
    while count < ROWS_OF_FILE and (block := next(blocks, None)) is not None:
        count += block.num_rows
        yield block


def _partitioned(
    table: Incoming, rows: Blocks, folder: Path, keys: list[str]
) -> Iterable[tuple[Path, int]]:
    """The files of a table whose rows are divided by the values of columns."""
    from pyarrow import dataset as ds

    schema = pa.schema(
        [f.with_type(plain_type(f.type)) if f.name in keys else f for f in table.schema]
    )
    batches = (batch for block in rows(table.name) for batch in block.cast(schema).to_batches())
    counts: list[tuple[Path, int]] = []
    try:
        ds.write_dataset(
            pa.RecordBatchReader.from_batches(schema, batches),
            folder,
            format="parquet",
            partitioning=ds.partitioning(pa.schema([schema.field(k) for k in keys]), flavor="hive"),
            max_partitions=MOST_FOLDERS,
            max_rows_per_file=ROWS_OF_FILE,
            max_rows_per_group=ROW_GROUP_ROWS,
            min_rows_per_group=ROW_GROUP_ROWS,
            use_threads=False,
            file_visitor=lambda file: counts.append((Path(file.path), file.metadata.num_rows)),
        )
    except pa.ArrowInvalid as exc:
        if "maximum of" not in str(exc):
            raise
        raise SinkError(
            f"`{table.name}` has more than {MOST_FOLDERS:,} different values of"
            f" {', '.join(f'`{key}`' for key in keys)}",
            code="sink.partitions",
            where=table.name,
            hint="partition by a column of fewer values",
        ) from exc
    if not counts:
        return _whole(table, lambda _: (), folder)
    return sorted(counts)


def _value(part: str) -> tuple[str, str | None]:
    """The column and the value that a folder's name holds."""
    name, _, text = part.partition("=")
    return unquote(name), None if text == NO_VALUE else unquote(text)
