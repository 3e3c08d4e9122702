"""Object stores as destinations and sources: Parquet files under final names, the manifest last.

An object's name holds the hash of its bytes. New objects stand next to old ones until the manifest
names them, so that readers who follow the manifest see the old tables or the new ones.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from fabula.errors import SinkError, SourceError
from fabula.io.destinations import Blocks, Incoming, Loading
from fabula.io.formats import is_data, table_name
from fabula.io.places import write_json
from fabula.io.run_files import MANIFEST, MOST_BYTES, RecordedFile, inside
from fabula.io.sources import read_tables
from fabula.io.staging import Staged, check_partitions, record_of, staged
from fabula.lake.bucket import Bucket, bucket_at

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_OWN = re.compile(r"(.+/)?part-\d{5}-[0-9a-f]{8}\.parquet")
"""Names that only Fabula gives: what an interrupted load left is replaced, and never read."""
_PARTS = re.compile(r"part[-_.]?\d|.*-\d+-of-\d+\b|.*=", re.IGNORECASE)


class _Table(BaseModel):
    model_config = ConfigDict(extra="allow")
    files: list[RecordedFile]
    columns: list[str] = []
    partition_by: dict[str, str] = {}


class _Manifest(BaseModel):
    """What the reader needs of a manifest."""

    model_config = ConfigDict(extra="allow")
    tables: dict[str, _Table]


class ObjectSink:
    """A place in an object store that was named, ready to be loaded."""

    def __init__(self, place: str, loading: Loading) -> None:
        self._bucket, self._loading = bucket_at(place), loading
        self._record: Mapping[str, Any] = {}

    @property
    def place(self) -> str:
        """The address without anything secret."""
        return self._bucket.shown

    def keep_record(self, manifest: Mapping[str, Any]) -> None:
        """Take the run's manifest; see `KeepsRecord`."""
        self._record = manifest

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse a place that holds something; see `Sink`.

        Raises:
            SinkError: It holds objects, or can't be reached.
            UsageError: The tables can't be partitioned as asked.
        """
        check_partitions(tables, self._loading.partition_by)
        with self._bucket.failures(SinkError):
            self._bucket.check_exists()
            if self._bucket.holds():
                raise SinkError(
                    f"`{self.place}` is an object, and several will be written",
                    code="sink.exists",
                    where=self.place,
                    hint="name a folder that is empty, or not there",
                )
            there = self._bucket.names()
        foreign = [name for name in there if name != MANIFEST and not _OWN.fullmatch(name)]
        if foreign:
            raise SinkError(
                f"`{self.place}` holds {len(foreign):,} objects of others, such as `{foreign[0]}`",
                code="sink.exists",
                where=self.place,
                hint="name a folder that is empty, or not there",
            )
        if MANIFEST in there and not self._loading.overwrite:
            raise SinkError(
                f"`{self.place}` holds tables",
                code="sink.exists",
                where=self.place,
                hint="pass --overwrite to replace them, or name another folder",
            )

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Upload every table, then the manifest; see `Sink`.

        Raises:
            SinkError: The store refuses something; what was uploaded is removed.
        """
        self.check(tables)
        bucket, keys = self._bucket, self._loading.partition_by
        with bucket.failures(SinkError):
            before = bucket.names()
            past = bucket.read(MANIFEST) if MANIFEST in before else None
        files: list[Staged] = []
        new: list[str] = []
        with TemporaryDirectory(prefix="fabula-upload-") as name, bucket.failures(SinkError):
            folder = Path(name)
            try:
                for file in staged(tables, rows, folder, keys):
                    if before.get(file.name) != file.bytes:
                        new.append(file.name)
                        bucket.upload(file.path, file.name)
                    file.path.unlink()
                    files.append(file)
                write_json(
                    folder / MANIFEST, record_of(self._record, tables, files, partition_by=keys)
                )
                bucket.upload(folder / MANIFEST, MANIFEST)
            except BaseException:
                self._restore(past, folder)
                bucket.remove(new)
                raise
        now = {file.name for file in files}
        bucket.remove([name for name in before if name not in now and name != MANIFEST])
        count, size = len(files), sum(file.bytes for file in files)
        return {
            "files": count,
            "bytes": size,
            "lines": [f"{count:,} Parquet objects, {size:,} bytes · manifest written last"],
        }

    def _restore(self, past: bytes | None, folder: Path) -> None:
        """Put the manifest back that was there, where a stopped load had replaced it."""
        if past is None:
            self._bucket.remove([MANIFEST])
            return
        with suppress(OSError):
            if self._bucket.read(MANIFEST) != past:
                (folder / MANIFEST).write_bytes(past)
                self._bucket.upload(folder / MANIFEST, MANIFEST)


def tables_at(place: str) -> dict[str, Callable[[], pa.Table | ds.Dataset]]:
    """What reads each table of an object store: by its manifest, else each file and folder.

    Raises:
        SourceError: There is nothing, or it can't be read.
    """
    bucket = bucket_at(place, SourceError)
    with bucket.failures(SourceError):
        if bucket.holds():
            return _downloaded(bucket, [PurePosixPath(bucket.root).name], single=True)
        there = bucket.names()
        if MANIFEST in there and (listed := _listed(bucket, there)) is not None:
            return {name: partial(_by_manifest, bucket, table) for name, table in listed.items()}
    data = [name for name in there if is_data(name)]
    if data and all(map(_OWN.fullmatch, data)):
        with bucket.failures(SourceError):
            return _within(bucket)
    if not data:
        raise SourceError(
            f"`{bucket.shown}` holds no data file",
            code="source.empty",
            where=bucket.shown,
            hint="give the address of a Parquet, CSV or JSON Lines object, or of their folder",
        )
    if not all(name.lower().endswith((".parquet", ".pq")) for name in data):
        with bucket.failures(SourceError):
            return _downloaded(bucket, data)
    groups: dict[str, list[str]] = defaultdict(list)
    parts = all(_PARTS.match(name) for name in data)
    for name in data:
        folder, inner, _ = name.partition("/")
        own = folder if inner else table_name(PurePosixPath(name))
        groups[PurePosixPath(bucket.root).name if parts else own].append(name)
    return {name: partial(_parquet, bucket, files) for name, files in groups.items()}


def _within(bucket: Bucket) -> dict[str, Callable[[], pa.Table | ds.Dataset]]:
    """The tables of a folder inside a finished load, whose manifest is further out.

    Raises:
        SourceError: There is no manifest: the load was stopped.
    """
    outer, inner = bucket, ""
    while "/" in outer.root.strip("/"):
        root, _, folder = outer.root.rpartition("/")
        outer, inner = replace(outer, root=root), f"{folder}/{inner}"
        if not outer.holds(MANIFEST):
            continue
        found: dict[str, Callable[[], pa.Table | ds.Dataset]] = {}
        for name, table in (_listed(outer, outer.names()) or {}).items():
            files = [file for file in table.files if file.path.startswith(inner)]
            if files:
                part = table.model_copy(update={"files": files})
                found[name] = partial(_by_manifest, outer, part)
        return found
    raise SourceError(
        f"the load into `{bucket.shown}` was not finished: some objects may be missing",
        code="source.unfinished",
        where=bucket.shown,
        hint="run the command that loads it again",
    )


def _listed(bucket: Bucket, there: Mapping[str, int]) -> dict[str, _Table] | None:
    """The tables that a manifest of Fabula lists; None where it is another program's.

    Raises:
        SourceError: An object is missing, or has another size.
    """
    if there[MANIFEST] > MOST_BYTES:
        return None
    try:
        manifest = _Manifest.model_validate(json.loads(bucket.read(MANIFEST)))
    except (ValidationError, ValueError, RecursionError):
        return None
    for table in manifest.tables.values():
        for file in table.files:
            if there.get(file.path) != file.bytes:
                state = "is missing" if file.path not in there else "was changed"
                raise SourceError(
                    f"`{file.path}` of `{bucket.shown}` {state} since its run wrote it",
                    code="source.changed",
                    where=bucket.shown,
                    hint="generate again with --overwrite",
                )
    return manifest.tables


def _by_manifest(bucket: Bucket, table: _Table) -> ds.Dataset:
    """The rows of a table that a manifest lists."""
    return _parquet(
        bucket,
        [file.path for file in table.files],
        {name: pa.type_for_alias(kind) for name, kind in table.partition_by.items()},
        table.columns,
    )


def _parquet(
    bucket: Bucket,
    names: Sequence[str],
    keys: Mapping[str, pa.DataType] | None = None,
    columns: Sequence[str] = (),
) -> ds.Dataset:
    """Parquet objects as one table; folders such as `country=AT` are values of a column."""
    from pyarrow import dataset as ds

    flavor = ds.partitioning(pa.schema(list(keys.items())), flavor="hive") if keys else "hive"
    with bucket.failures(SourceError):
        rows = ds.dataset(
            [bucket.path(name) for name in names],
            format="parquet",
            filesystem=bucket.files,
            partitioning=flavor,
            partition_base_dir=bucket.root,
        )
    if columns:
        rows = rows.replace_schema(pa.schema([rows.schema.field(name) for name in columns]))
    return rows


def _downloaded(
    bucket: Bucket, names: Sequence[str], *, single: bool = False
) -> dict[str, Callable[[], pa.Table | ds.Dataset]]:
    """The tables of objects that are read on this machine; they go with the process."""
    folder = TemporaryDirectory(prefix="fabula-download-")
    _FOLDERS.append(folder)
    for name in names:
        path = inside(Path(folder.name), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        source = bucket.root if single else bucket.path(name)
        with (
            bucket.files.open_input_stream(source, compression=None) as stream,
            path.open("wb") as file,
        ):
            while block := stream.read(8 << 20):
                file.write(block)
    place = Path(folder.name) / names[0] if single else Path(folder.name)
    try:
        tables = read_tables(place)
    except SourceError as exc:
        exc.message = exc.message.replace(folder.name, bucket.shown)
        raise
    return {name: partial(_itself, rows) for name, rows in tables.items()}


def _itself(rows: pa.Table | ds.Dataset) -> pa.Table | ds.Dataset:
    return rows


_FOLDERS: list[TemporaryDirectory[str]] = []
"""Folders that are removed when the process ends."""
