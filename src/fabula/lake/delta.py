"""Delta tables: `delta://FOLDER` and `delta+s3://BUCKET/FOLDER`, one table of Delta a table.

The files are uploaded first. Then each table gets one commit; if one is refused, those before it
are taken back.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from fabula.errors import FabulaError, SinkError, SourceError, UsageError
from fabula.io.destinations import Blocks, Incoming, Loading
from fabula.io.names import file_stem
from fabula.io.staging import Staged, check_partitions, staged
from fabula.lake.bucket import Bucket, bucket_at
from fabula.lake.formats import as_kept, kept

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_LOG = "_delta_log"
_ADDRESS = re.compile(r"delta(\+(?P<store>[a-z0-9]+))?:(?P<path>.+)", re.IGNORECASE | re.DOTALL)


class DeltaSink:
    """A folder of Delta tables that was named, ready to be loaded."""

    def __init__(self, place: str, loading: Loading) -> None:
        self._bucket, self._loading = _bucket(place, SinkError), loading
        self._facts: dict[str, str] = {}

    @property
    def place(self) -> str:
        """The address without anything secret."""
        bucket = self._bucket
        return f"delta://{bucket.root}" if bucket.is_local else f"delta+{bucket.shown}"

    def keep_record(self, manifest: Mapping[str, Any]) -> None:
        """Take what each commit says of the run; see `KeepsRecord`."""
        told = {"seed": manifest.get("seed"), "spec_sha256": manifest.get("spec_sha256")}
        self._facts = {f"fabula.{key}": str(value) for key, value in told.items() if value}

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse tables that are there, and folders of other files; see `Sink`.

        Raises:
            SinkError: A table is there, has other columns, or the place can't be reached.
            UsageError: The tables can't be partitioned as asked.
        """
        check_partitions(tables, self._loading.partition_by)
        wanted, _ = kept(tables, times=False)
        with _failures(self._bucket, SinkError):
            self._bucket.check_exists()
            there = self._bucket.names()
            for table in wanted:
                self._check_table(table, there)

    def _check_table(self, table: Incoming, there: Mapping[str, int]) -> None:
        place = f"{self.place}/{file_stem(table.name)}"
        if not self._is_there(table.name, there):
            if any(name.startswith(f"{file_stem(table.name)}/") for name in there):
                raise SinkError(
                    f"`{place}` holds files that are not a Delta table",
                    code="sink.exists",
                    where=place,
                    hint="choose another folder",
                )
            return
        if not (self._loading.append or self._loading.overwrite):
            raise SinkError(
                f"`{place}` is a table with {self._table(table.name).count():,} rows",
                code="sink.not-empty",
                where=place,
                hint="--append adds rows, --overwrite replaces them",
            )
        columns = pa.schema(self._table(table.name).schema().to_arrow()).names
        if self._loading.append and columns != table.schema.names:
            raise SinkError(
                f"`{place}` has the columns {', '.join(columns)}, and the rows have"
                f" {', '.join(table.schema.names)}",
                code="sink.no-column",
                where=place,
                hint="pass --overwrite to replace the table",
            )

    def rows_there(self, names: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """The rows of tables that are there; keys go on after them."""
        with _failures(self._bucket, SinkError):
            there = self._bucket.names()
            return {
                name: (self._table(name).count(), None)
                for name in names
                if self._is_there(name, there)
            }

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Upload every table, then commit each; see `Sink`.

        Raises:
            SinkError: Something is refused; tables are as they were.
        """
        self.check(tables)
        wanted, notes = kept(tables, times=False)
        bucket, uploaded = self._bucket, list[str]()
        files: dict[str, list[Staged]] = defaultdict(list)
        with TemporaryDirectory(prefix="fabula-delta-") as folder, _failures(bucket, SinkError):
            before = bucket.names()
            done: list[tuple[str, int | None]] = []
            try:
                keys = self._loading.partition_by
                for made in staged(wanted, as_kept(wanted, rows), Path(folder), keys):
                    file = replace(made, name=_once(made.name))
                    uploaded.append(file.name)
                    bucket.upload(file.path, file.name)
                    file.path.unlink()
                    files[file.table].append(file)
                for table in wanted:
                    is_there = self._is_there(table.name, before)
                    past = self._table(table.name).version() if is_there else None
                    done.append((table.name, past))
                    self._commit(table, files[table.name], past)
            except BaseException:
                self._take_back(done)
                bucket.remove(uploaded)
                raise
        versions = {name: self._table(name).version() for name, _ in done}
        told = ", ".join(f"{name} version {version}" for name, version in versions.items())
        return {"versions": versions, "lines": [*notes, f"one commit a table: {told}"]}

    def _commit(self, table: Incoming, files: Sequence[Staged], past: int | None) -> None:
        """Commit the files of a table, and nothing else."""
        inner = len(file_stem(table.name)) + 1
        actions: list[Any] = [
            AddAction(
                file.name[inner:],
                file.bytes,
                file.values,
                time.time_ns() // 1_000_000,
                data_change=True,
                stats=json.dumps({"numRecords": file.rows}),
            )
            for file in files
        ]
        keys = [key for key in self._loading.partition_by if key in table.schema.names]
        facts = CommitProperties(custom_metadata=self._facts)
        if past is None:
            create_table_with_add_actions(
                _uri(self._bucket, file_stem(table.name)),
                DeltaSchema.from_arrow(table.schema),
                actions,
                partition_by=keys,
                name=table.name,
                commit_properties=facts,
            )
        else:
            mode = "append" if self._loading.append else "overwrite"
            self._table(table.name).create_write_transaction(
                actions, mode, table.schema, keys, commit_properties=facts
            )

    def _take_back(self, done: Sequence[tuple[str, int | None]]) -> None:
        """Undo commits: a new table loses its log, another goes back to its version."""
        for name, past in reversed(done):
            with suppress(DeltaError, OSError):
                if past is None:
                    log = f"{file_stem(name)}/{_LOG}/"
                    self._bucket.remove([n for n in self._bucket.names() if n.startswith(log)])
                elif (table := self._table(name)).version() != past:
                    table.restore(past)

    def _is_there(self, name: str, there: Mapping[str, int]) -> bool:
        return any(each.startswith(f"{file_stem(name)}/{_LOG}/") for each in there)

    def _table(self, name: str) -> DeltaTable:
        return DeltaTable(_uri(self._bucket, file_stem(name)))


def tables_at(place: str) -> dict[str, Callable[[], pa.Table | ds.Dataset]]:
    """What reads each Delta table of a folder, or the table that the folder is.

    Raises:
        SourceError: There is none, or the place can't be reached.
    """
    bucket = _bucket(place, SourceError)
    with _failures(bucket, SourceError):
        logs = {name.partition(f"{_LOG}/")[0] for name in bucket.names() if f"{_LOG}/" in name}
    found = {Path(log.rstrip("/") or bucket.root).name: log.rstrip("/") for log in sorted(logs)}
    if not found:
        raise SourceError(
            f"`{bucket.shown}` holds no Delta table",
            code="source.empty",
            where=bucket.shown,
            hint="name the folder of a table, or the one around it",
        )
    return {unquote(name): partial(_rows, bucket, folder) for name, folder in found.items()}


def _rows(bucket: Bucket, folder: str) -> pa.Table | ds.Dataset:
    """The rows of the newest version of a table."""
    with _failures(bucket, SourceError):
        return DeltaTable(_uri(bucket, folder)).to_pyarrow_dataset()


def _bucket(place: str, error: type[FabulaError]) -> Bucket:
    """The folder, in an object store or on this machine, that an address names."""
    found = _ADDRESS.fullmatch(place)
    store, path = (found["store"], found["path"]) if found else (None, "")
    if "?" in path or "@" in path:
        raise UsageError(
            "the address of Delta tables holds no credentials and no options",
            code="usage.address",
            hint="set the store's variables, such as AWS_ENDPOINT_URL and AWS_ACCESS_KEY_ID",
        )
    if store:
        return bucket_at(f"{store}:{path}", error)
    inner = path.removeprefix("//")
    if not inner.strip("/"):
        raise UsageError(
            "`delta://` names no folder",
            code="usage.address",
            hint="write `delta://FOLDER`, or `delta+s3://BUCKET/FOLDER`",
        )
    return bucket_at(f"file://{Path(inner).absolute()}", error)


def _uri(bucket: Bucket, folder: str) -> str:
    """The address of a table as Delta's library reads it."""
    start = bucket.root if bucket.is_local else bucket.shown
    return f"{start.rstrip('/')}/{folder}".rstrip("/")


def _once(name: str) -> str:
    """A name that no earlier version has: the same rows may be added twice."""
    return name.replace(".parquet", f"-{time.time_ns():x}.parquet")


@contextmanager
def _failures(bucket: Bucket, error: type[FabulaError]) -> Iterator[None]:
    """Raise what the store or the format refuses as an error that names the place."""
    with bucket.failures(error):
        try:
            yield
        except DeltaError as exc:
            raise OSError(str(exc)) from exc
