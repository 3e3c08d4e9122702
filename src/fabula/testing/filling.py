"""A database filled for one test: in the test's own transaction, which is rolled back after it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fabula.api import generate
from fabula.errors import PrerequisiteError, SinkError, UsageError, did_you_mean
from fabula.inference.resolve import SpecLike, resolve
from fabula.planning.planner import make_plan
from fabula.types import Size

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Table


class Rows(list[dict[str, Any]]):
    """The rows of a table, as mappings."""

    def where(self, **values: Any) -> Rows:
        """The rows that have some values.

        Args:
            **values: Values by column.

        Raises:
            UsageError: There is no such column.
        """
        if unknown := [name for name in values if self and name not in self[0]]:
            raise UsageError(
                f"the rows have no column `{unknown[0]}`",
                code="factory.unknown-field",
                hint=did_you_mean(unknown[0], self[0]),
            )
        return Rows(
            row for row in self if all(row[name] == value for name, value in values.items())
        )

    def first(self, **values: Any) -> dict[str, Any]:
        """The first row that has some values.

        Args:
            **values: Values by column.

        Raises:
            UsageError: There is no such row or column.
        """
        if not (found := self.where(**values)):
            wanted = ", ".join(f"{name} = {value!r}" for name, value in values.items())
            raise UsageError(
                f"none of {len(self)} rows has {wanted or 'any value'}",
                code="factory.no-row",
                hint="ask for more rows with `n`, or for another value",
            )
        return found[0]


class Filled(Mapping[str, Rows]):
    """What a database was filled with: the rows of each table.

    Attributes:
        connection: The connection whose transaction has the rows.
    """

    def __init__(self, tables: Mapping[str, Rows], connection: Connection) -> None:
        self._tables, self.connection = tables, connection

    def __getitem__(self, name: str) -> Rows:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


class Filler:
    """Fills databases until its end, when everything is rolled back.

    Args:
        into: The database, where calls name none.
        seed: Decides the rows.
    """

    def __init__(self, into: Any = None, seed: int = 0) -> None:
        self._into, self._seed, self._ends = into, seed, ExitStack()

    def __enter__(self) -> Filler:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def fill(self, spec: SpecLike, n: Size = None, *, into: Any = None) -> Filled:
        """Fill the tables of a database with the rows of a spec, parents first.

        Args:
            spec: A spec in any form, whose tables are called like the database's.
            n: Rows, for the only table or by table; overrides the spec.
            into: A SQLAlchemy connection, engine or session, or a URL; by default the fixture
                `fabula_database`.

        Raises:
            UsageError: No database is named.
            PrerequisiteError: SQLAlchemy is not installed.
            SinkError: The database has no such table or column, or refuses a row.
            SpecError: The spec has problems.
        """
        connection = self._connection(self._into if into is None else into)
        resolved = resolve(spec)
        made = generate(resolved, n=n, seed=self._seed)
        self._seed += 1
        tables = {name: Rows(made.to_dicts(name)) for name in made}
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with _keys_checked_last(connection):
                for name in make_plan(resolved, n=n).order:
                    if tables.get(name):
                        _insert(connection, name, tables[name])
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise SinkError(
                f"the database refuses the rows: {reason}",
                code="sink.refused",
                hint="make the spec keep what the database demands",
            ) from error
        return Filled(tables, connection)

    def _connection(self, into: Any) -> Connection:
        """A connection in a transaction that ends with the test."""
        if into is None:
            raise UsageError(
                "no database is named",
                code="factory.no-database",
                hint="pass one, `fill_database(spec, into=engine)`, or define the fixture"
                " `fabula_database` in `conftest.py`",
            )
        try:
            import sqlalchemy as sa
            from sqlalchemy.orm import Session
        except ImportError as exc:
            raise PrerequisiteError.for_extra("databases", needed_by="`fill_database`") from exc
        if isinstance(into, str | Path):
            into = sa.create_engine(str(into))
            self._ends.callback(into.dispose)
        if isinstance(into, Session):
            into = into.connection()
        if isinstance(into, sa.Engine):
            into = self._ends.enter_context(into.connect())
        if not isinstance(into, sa.Connection):
            raise UsageError(
                f"a `{type(into).__name__}` is not a database",
                code="factory.no-database",
                hint="give a SQLAlchemy connection, engine or session, or a URL",
            )
        transaction = into.begin_nested() if into.in_transaction() else into.begin()
        self._ends.callback(self._undo, transaction)
        return into

    @staticmethod
    def _undo(transaction: Any) -> None:
        if not transaction.is_active:
            raise SinkError(
                "the test committed the rows of `fill_database`, so they stay in the database",
                code="sink.committed",
                hint="bind the session to its connection: `Session(connection,"
                ' join_transaction_mode="create_savepoint")`',
            )
        transaction.rollback()


@contextmanager
def _keys_checked_last(connection: Connection) -> Iterator[None]:
    """Let tables point at each other: foreign keys are checked when all rows are there."""
    run, name = connection.exec_driver_sql, connection.dialect.name
    if name == "postgresql":
        run("SET CONSTRAINTS ALL DEFERRED")
        yield
        run("SET CONSTRAINTS ALL IMMEDIATE")
        return
    is_checked = name == "sqlite" and run("PRAGMA foreign_keys").scalar()
    if is_checked:
        if not connection.connection.in_transaction:  # else the setting ends with its statement
            run("BEGIN")
        run("PRAGMA defer_foreign_keys = ON")
    yield
    if is_checked:
        run("PRAGMA defer_foreign_keys = OFF")
        if broken := run("PRAGMA foreign_key_check").first():
            raise SinkError(
                f"the database refuses the rows: `{broken[0]}` has a key that is not in"
                f" `{broken[2]}`",
                code="sink.refused",
                hint="make the spec keep what the database demands",
            )


def _insert(connection: Connection, name: str, rows: Rows) -> None:
    import sqlalchemy as sa

    schema, _, short = name.rpartition(".")
    try:
        table = sa.Table(short, sa.MetaData(), schema=schema or None, autoload_with=connection)
    except sa.exc.NoSuchTableError as error:
        known = sa.inspect(connection).get_table_names()
        raise SinkError(
            f"the database has no table `{name}`",
            code="sink.no-table",
            hint=did_you_mean(name, known) or "create its tables before the test",
        ) from error
    if unknown := [column for column in rows[0] if column not in table.columns]:
        raise SinkError(
            f"the table `{name}` of the database has no column `{unknown[0]}`",
            code="sink.no-column",
            hint=did_you_mean(unknown[0], table.columns.keys())
            or "leave it out of the output: `drop: true`",
        )
    connection.execute(table.insert(), _as_the_table_has_them(table, rows))


def _as_the_table_has_them(table: Table, rows: Rows) -> list[dict[str, Any]]:
    """Texts as the UUIDs and JSON values that they stand for."""
    become = {name: _reader(table.columns[name]) for name in rows[0]}
    changed = {name: read for name, read in become.items() if read is not None}
    return [
        row
        | {name: read(row[name]) for name, read in changed.items() if isinstance(row[name], str)}
        for row in rows
    ]


def _reader(column: Column[Any]) -> Any:
    try:
        python = column.type.python_type
    except NotImplementedError:
        return None
    return {uuid.UUID: uuid.UUID, dict: json.loads, list: json.loads}.get(python)
