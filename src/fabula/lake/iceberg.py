"""Iceberg tables: `iceberg://CATALOG/NAMESPACE`, where pyiceberg's own settings know the catalog.

The files are written first. Then each table gets one commit; if one is refused, those before it
are taken back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchNamespaceError, RESTError
from pyiceberg.expressions import AlwaysTrue

from fabula.errors import FabulaError, SinkError, SourceError, UsageError
from fabula.io.destinations import Blocks, Incoming, Loading
from fabula.io.staging import staged
from fabula.lake.formats import as_kept, kept

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.table import Transaction

_ADDRESS = re.compile(r"iceberg:/+(?P<catalog>[\w-]+)/(?P<space>[\w.-]+)/?", re.IGNORECASE)


class IcebergSink:
    """A namespace of an Iceberg catalog that was named, ready to be loaded."""

    def __init__(self, place: str, loading: Loading) -> None:
        self._name, self._space = _parts(place)
        self._loading = loading
        self._facts: dict[str, str] = {}

    @property
    def place(self) -> str:
        """The address."""
        return f"iceberg://{self._name}/{self._space}"

    def keep_record(self, manifest: Mapping[str, Any]) -> None:
        """Take what each commit says of the run; see `KeepsRecord`."""
        told = {"seed": manifest.get("seed"), "spec_sha256": manifest.get("spec_sha256")}
        self._facts = {f"fabula.{key}": str(value) for key, value in told.items() if value}

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse tables that are there; see `Sink`.

        Raises:
            SinkError: A table is there, has other columns, or the catalog can't be reached.
        """
        wanted, _ = kept(tables, times=True)
        with _failures(self.place, SinkError):
            catalog = _catalog(self._name)
            there = _tables(catalog, self._space)
            for table in wanted:
                if table.name in there:
                    self._check_table(catalog, table)

    def _check_table(self, catalog: Catalog, table: Incoming) -> None:
        place, there = f"{self.place} {table.name}", catalog.load_table((self._space, table.name))
        if not (self._loading.append or self._loading.overwrite):
            raise SinkError(
                f"`{table.name}` of `{self.place}` is a table with {there.scan().count():,} rows",
                code="sink.not-empty",
                where=place,
                hint="--append adds rows, --overwrite replaces them",
            )
        columns = list(there.schema().column_names)
        if columns != table.schema.names:
            raise SinkError(
                f"`{table.name}` has the columns {', '.join(columns)}, and the rows have"
                f" {', '.join(table.schema.names)}",
                code="sink.no-column",
                where=place,
                hint="drop the table, or load into another namespace",
            )

    def rows_there(self, names: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """The rows of tables that are there; keys go on after them."""
        with _failures(self.place, SinkError):
            catalog = _catalog(self._name)
            there = set(names) & set(_tables(catalog, self._space))
            counts = {n: catalog.load_table((self._space, n)).scan().count() for n in sorted(there)}
        return {name: (count, None) for name, count in counts.items()}

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Write every table, then commit each; see `Sink`.

        Raises:
            SinkError: Something is refused; tables are as they were.
        """
        self.check(tables)
        wanted, notes = kept(tables, times=True)
        written: list[tuple[FileIO, str]] = []
        undo: list[Callable[[], object]] = []
        with TemporaryDirectory(prefix="fabula-iceberg-") as name, _failures(self.place, SinkError):
            catalog = _catalog(self._name)
            there = _tables(catalog, self._space)
            try:
                if not catalog.namespace_exists(self._space):
                    catalog.create_namespace(self._space)
                    undo.append(partial(catalog.drop_namespace, self._space))
                changes = {each.name: self._begin(catalog, each, there) for each in wanted}
                paths: dict[str, list[str]] = defaultdict(list)
                for file in staged(wanted, as_kept(wanted, rows), Path(name)):
                    table = changes[file.table]
                    path = f"{table.table_metadata.location}/data/{uuid4()}.parquet"
                    files = table._table.io
                    written.append((files, path))
                    with files.new_output(path).create() as output:
                        output.write(file.path.read_bytes())
                    file.path.unlink()
                    paths[file.table].append(path)
                for key, change in changes.items():
                    undo.append(self._undo(catalog, key, there))
                    if key in there and self._loading.overwrite:
                        change.delete(AlwaysTrue())
                    change.add_files(paths[key], snapshot_properties=self._facts)
                    change.commit_transaction()
            except BaseException:
                for step in reversed(undo):
                    with suppress(Exception):  # it cleans up after another error, which is told
                        step()
                for files, path in written:
                    with suppress(Exception):
                        files.delete(path)
                raise
        told = ", ".join(table.name for table in wanted)
        return {"lines": [*notes, f"one commit a table: {told}"]}

    def _begin(self, catalog: Catalog, table: Incoming, there: Sequence[str]) -> Transaction:
        """What will be committed to a table, which is made by the commit where it is new."""
        identifier = (self._space, table.name)
        if table.name in there:
            return catalog.load_table(identifier).transaction()
        return catalog.create_table_transaction(identifier, schema=table.schema)

    def _undo(self, catalog: Catalog, name: str, there: Sequence[str]) -> Callable[[], object]:
        """What takes the commit to a table back."""
        identifier = (self._space, name)
        if name not in there:
            return partial(catalog.drop_table, identifier)
        before = catalog.load_table(identifier).current_snapshot()

        def back() -> None:
            table = catalog.load_table(identifier)
            if before is None:
                table.delete()
            elif table.current_snapshot() != before:
                table.manage_snapshots().rollback_to_snapshot(before.snapshot_id).commit()

        return back


def tables_at(place: str) -> dict[str, Callable[[], pa.Table]]:
    """What reads each table of a namespace.

    Raises:
        SourceError: There is none, or the catalog can't be reached.
    """
    name, space = _parts(place)
    with _failures(place, SourceError):
        catalog = _catalog(name)
        found = _tables(catalog, space)
        if not found and "." in space and catalog.table_exists(space):
            space, _, table = space.rpartition(".")
            found = [table]
    if not found:
        raise SourceError(
            f"`{place}` holds no table",
            code="source.empty",
            where=place,
            hint="write `iceberg://CATALOG/NAMESPACE`, or `…/NAMESPACE.TABLE` for one",
        )
    return {table: partial(_rows, place, name, (space, table)) for table in found}


def _rows(place: str, name: str, table: tuple[str, str]) -> pa.Table:
    with _failures(place, SourceError):
        return _catalog(name).load_table(table).scan().to_arrow()


def _tables(catalog: Catalog, space: str) -> list[str]:
    """The tables of a namespace; none where there is no such namespace."""
    try:
        return sorted(identifier[-1] for identifier in catalog.list_tables(space))
    except NoSuchNamespaceError:
        return []


def _parts(place: str) -> tuple[str, str]:
    """The catalog and the namespace that an address names.

    Raises:
        UsageError: It has another form.
    """
    found = _ADDRESS.fullmatch(place)
    if found is None:
        raise UsageError(
            "the address of Iceberg tables has another form",
            code="usage.address",
            hint="write `iceberg://CATALOG/NAMESPACE`; `~/.pyiceberg.yaml` knows the catalog",
        )
    return found["catalog"], found["space"]


def _catalog(name: str) -> Catalog:
    return load_catalog(name)


@contextmanager
def _failures(place: str, error: type[FabulaError]) -> Iterator[None]:
    """Raise what the catalog or its store refuses as an error that names the place."""
    try:
        yield
    except FabulaError:
        raise
    except (ValueError, OSError, RESTError, pa.ArrowException) as exc:
        raise _failure(place, exc, error) from exc
    except Exception as exc:
        if not type(exc).__module__.startswith(("pyiceberg", "sqlalchemy")):
            raise
        raise _failure(place, exc, error) from exc


def _failure(place: str, exc: Exception, error: type[FabulaError]) -> FabulaError:
    reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
    side = "sink" if error is SinkError else "source"
    return error(
        f"`{place}`: {re.sub(r'//[^@/ ]+@', '//***@', reason)}",
        code=f"{side}.catalog",
        where=place,
        hint="check the catalog's settings in `~/.pyiceberg.yaml` or PYICEBERG_CATALOG__…",
    )
