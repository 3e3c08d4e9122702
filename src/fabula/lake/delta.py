"""Delta tables: `delta://FOLDER` and `delta+s3://BUCKET/FOLDER`, one table of Delta a table.

The files are uploaded first. Then each table gets one commit; if one is refused, those before it
are taken back.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from fabula.errors import FabulaError, SinkError, SourceError, UsageError
from fabula.io.destinations import Incoming, Loading
from fabula.io.names import file_stem
from fabula.io.staging import Staged
from fabula.lake.bucket import Bucket, bucket_at
from fabula.lake.tables import AbstractTableSink

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_LOG = "_delta_log"
_ADDRESS = re.compile(r"delta(\+(?P<store>[a-z0-9]+))?:(?P<path>.+)", re.IGNORECASE | re.DOTALL)


class DeltaSink(AbstractTableSink):
    """A folder of Delta tables that was named, ready to be loaded."""

    times = False

    def __init__(self, place: str, loading: Loading) -> None:
        super().__init__(loading)
        self._bucket = _bucket(place, SinkError)

    @property
    def place(self) -> str:
        """The address without anything secret."""
        bucket = self._bucket
        return f"delta://{bucket.root}" if bucket.is_local else f"delta+{bucket.shown}"

    def failures(self) -> AbstractContextManager[None]:
        """Raises what the store or the format refuses as an error."""
        return _failures(self._bucket, SinkError)

    def there(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The columns of those tables that are there.

        Raises:
            SinkError: A folder of such a name holds other files, or can't have that name.
        """
        self._bucket.check_exists()
        objects, found = self._bucket.names(), {}
        for name in names:
            if "%" in file_stem(name):
                raise SinkError(
                    f"a folder of a Delta table can't be called `{name}`",
                    code="sink.name",
                    where=name,
                    hint="use letters, digits, spaces and `_-.` in the table's name",
                )
            inside = [each for each in objects if each.startswith(f"{file_stem(name)}/")]
            if any(each.startswith(f"{file_stem(name)}/{_LOG}/") for each in inside):
                found[name] = pa.schema(self._table(name).schema().to_arrow()).names
            elif inside:
                raise SinkError(
                    f"`{self.place}/{file_stem(name)}` holds files that are not a Delta table",
                    code="sink.exists",
                    where=self.place,
                    hint="choose another folder",
                )
        return found

    def count(self, name: str) -> int:
        """The rows of a table that is there."""
        return int(self._table(name).count())

    def upload(self, table: Incoming, file: Staged) -> tuple[Staged, Callable[[], object]]:
        """Put a file there under a name that no version has: the same rows may be added twice.

        Raises:
            SinkError: A partition has the empty text as its value, which Delta reads as missing.
        """
        if empty := [name for name, value in file.values.items() if value == ""]:
            raise SinkError(
                f"`{table.name}.{empty[0]}` has empty texts, and a Delta partition reads them as"
                " missing values",
                code="sink.partitions",
                where=f"{table.name}.{empty[0]}",
                hint="partition by another column",
            )
        once = replace(file, name=file.name.replace(".parquet", f"-{time.time_ns():x}.parquet"))
        self._bucket.upload(once.path, once.name)
        return once, partial(self._bucket.remove, [once.name])

    def undo(self, name: str) -> Callable[[], object]:
        """What takes a commit back: a new table loses its log, another goes to its version."""
        if self._log(name):
            return partial(self._restore, name, self._table(name).version())
        return partial(self._forget, name)

    def commit(self, table: Incoming, files: Sequence[Staged], *, is_there: bool) -> None:
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
        keys = [key for key in self.loading.partition_by if key in table.schema.names]
        facts = CommitProperties(custom_metadata=self.facts)
        if is_there:
            mode = "append" if self.loading.append else "overwrite"
            self._table(table.name).create_write_transaction(
                actions, mode, table.schema, keys, commit_properties=facts
            )
            return
        create_table_with_add_actions(
            _uri(self._bucket, file_stem(table.name)),
            DeltaSchema.from_arrow(table.schema),
            actions,
            partition_by=keys,
            name=table.name,
            commit_properties=facts,
        )

    def _forget(self, name: str) -> None:
        self._bucket.remove(self._log(name))

    def _restore(self, name: str, version: int) -> None:
        table = self._table(name)
        if table.version() != version:
            table.restore(version)

    def _log(self, name: str) -> list[str]:
        start = f"{file_stem(name)}/{_LOG}/"
        return [each for each in self._bucket.names() if each.startswith(start)]

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
    if not path.startswith("//") and (Path(path[1:]).exists() or not Path(path).exists()):
        inner = path[1:]  # a `Path` of the address, which shortens its slashes
    if not inner.strip("/"):
        raise UsageError(
            "`delta://` names no folder",
            code="usage.address",
            hint="write `delta://FOLDER`, or `delta+s3://BUCKET/FOLDER`",
        )
    return bucket_at(f"file://{Path(inner).absolute()}", error)


def _uri(bucket: Bucket, folder: str) -> str:
    """The address of a table as Delta's library reads it."""
    if bucket.is_local:
        return f"{bucket.root}/{folder}".rstrip("/")
    scheme, _, path = bucket.shown.partition("://")
    return f"{scheme}://{quote(f'{path}/{folder}')}".rstrip("/")


@contextmanager
def _failures(bucket: Bucket, error: type[FabulaError]) -> Iterator[None]:
    """Raise what the store or the format refuses as an error that names the place."""
    with bucket.failures(error):
        try:
            yield
        except DeltaError as exc:
            raise OSError(str(exc)) from exc
