"""Iceberg tables: `iceberg://CATALOG/NAMESPACE`, where pyiceberg's own settings know the catalog.

The files are written first. Then each table gets one commit; if one is refused, those before it
are taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchNamespaceError, RESTError
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.transforms import IdentityTransform

from fabula.errors import FabulaError, SinkError, SourceError, UsageError
from fabula.io.destinations import Incoming, Loading
from fabula.io.staging import Staged
from fabula.lake.tables import AbstractTableSink

if TYPE_CHECKING:
    from pyiceberg.table import Table, Transaction

_ADDRESS = re.compile(r"iceberg:/+(?P<catalog>[\w-]+)/(?P<space>[\w.-]+)/?", re.IGNORECASE)


class IcebergSink(AbstractTableSink):
    """A namespace of an Iceberg catalog that was named, ready to be loaded."""

    times = True

    def __init__(self, place: str, loading: Loading) -> None:
        super().__init__(loading)
        self._name, self._space = _parts(place)
        self._changes: dict[str, Transaction] = {}

    @property
    def place(self) -> str:
        """The address."""
        return f"iceberg://{self._name}/{self._space}"

    @cached_property
    def _catalog(self) -> Catalog:
        return load_catalog(self._name)

    def failures(self) -> AbstractContextManager[None]:
        """Raises what the catalog or its store refuses as an error."""
        return _failures(self.place, SinkError)

    def there(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The columns of those tables that are there."""
        known = set(_tables(self._catalog, self._space)) & set(names)
        tables = {name: self._table(name) for name in sorted(known)}
        for name, table in tables.items():
            self._check_partitions(name, table)
        return {name: list(table.schema().column_names) for name, table in tables.items()}

    def _check_partitions(self, name: str, table: Table) -> None:
        """Refuse a table whose files would be divided in another way than it asks for.

        Raises:
            SinkError: It is partitioned by other columns, or by parts of values.
        """
        schema, fields = table.schema(), table.spec().fields
        has = [schema.find_column_name(field.source_id) or field.name for field in fields]
        asked = [key for key in self.loading.partition_by if key in schema.column_names]
        whole = all(isinstance(field.transform, IdentityTransform) for field in fields)
        if has == asked and whole:
            return
        ways = ", ".join(
            f"{field.transform} of `{key}`" for key, field in zip(has, fields, strict=True)
        )
        raise SinkError(
            f"`{name}` of `{self.place}` is partitioned by {ways or 'nothing'}",
            code="sink.partitions",
            where=self.place,
            hint=(
                "pass " + " ".join(f"--partition-by {key}" for key in has)
                if has
                else "leave out `--partition-by`"
            )
            if whole
            else "load into a new table: Fabula partitions by whole values",
        )

    def count(self, name: str) -> int:
        """The rows of a table that is there."""
        return self._table(name).scan().count()

    def upload(self, table: Incoming, file: Staged) -> tuple[str, Callable[[], object]]:
        """Put a file into the place of its table; the namespace is made where it is missing."""
        is_new = not self._catalog.namespace_exists(self._space)
        if is_new:
            self._catalog.create_namespace(self._space)
        if table.name not in self._changes:
            self._changes[table.name] = self._begin(table)
        change = self._changes[table.name]
        content = whole_file(file, table.schema) if file.values else file.path.read_bytes()
        path = f"{change.table_metadata.location}/data/{uuid4()}.parquet"
        files = change._table.io

        def remove() -> None:
            files.delete(path)
            if is_new:
                self._catalog.drop_namespace(self._space)

        try:
            with files.new_output(path).create() as output:
                output.write(content)
        except BaseException:
            with suppress(Exception):  # it cleans up after another error, which is told
                remove()
            raise
        return path, remove

    def commit(self, table: Incoming, files: Sequence[str], *, is_there: bool) -> None:
        """Commit the files of a table."""
        change = self._changes[table.name]
        if is_there and self.loading.overwrite:
            change.delete(AlwaysTrue())
        change.add_files(list(files), snapshot_properties=self.facts)
        change.commit_transaction()
        del self._changes[table.name]

    def undo(self, name: str) -> Callable[[], object]:
        """What takes a commit back: a new table is dropped, another goes to its snapshot."""
        identifier = (self._space, name)
        if not self.there([name]):
            return partial(self._catalog.drop_table, identifier)
        before = self._table(name).current_snapshot()

        def back() -> None:
            table = self._table(name)
            if before is None:
                table.delete()
            elif table.current_snapshot() != before:
                table.manage_snapshots().rollback_to_snapshot(before.snapshot_id).commit()

        return back

    def _begin(self, table: Incoming) -> Transaction:
        """What will be committed to a table, which is made by the commit where it is new."""
        if self.there([table.name]):
            return self._table(table.name).transaction()
        identifier = (self._space, table.name)
        change = self._catalog.create_table_transaction(identifier, schema=table.schema)
        if keys := [key for key in self.loading.partition_by if key in table.schema.names]:
            with change.update_spec() as spec:
                for key in keys:
                    spec.add_identity(key)
        return change

    def _table(self, name: str) -> Table:
        return self._catalog.load_table((self._space, name))


def whole_file(file: Staged, schema: pa.Schema) -> bytes:
    """A file with the columns that its folder names: Iceberg keeps them in the rows."""
    rows = pq.ParquetFile(file.path).read()
    columns = [
        pa.repeat(pa.scalar(file.values[field.name]).cast(field.type), rows.num_rows)
        if field.name in file.values
        else rows.column(field.name)
        for field in schema
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), sink)
    return bytes(sink.getvalue())


def tables_at(place: str) -> dict[str, Callable[[], pa.Table]]:
    """What reads each table of a namespace.

    Raises:
        SourceError: There is none, or the catalog can't be reached.
    """
    name, space = _parts(place)
    with _failures(place, SourceError):
        catalog = load_catalog(name)
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
        return load_catalog(name).load_table(table).scan().to_arrow()


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
