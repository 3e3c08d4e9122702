"""The schema of a source: a live database, a file of one, or a script."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fabula.databases.address import FILES
from fabula.databases.ddl import SchemaReader
from fabula.databases.opening import database_at
from fabula.databases.schema import Schema
from fabula.databases.statements import (
    Statement,
    dialect_title,
    read_script,
    script_dialects,
    statements_of,
)
from fabula.errors import SourceError


def read_schema(source: str) -> Schema:
    """The schema of an address, or of a `.sql` file.

    Raises:
        SourceError: It can't be read, or defines no table.
    """
    path = Path(source)
    if "://" in source or path.suffix.lower() in FILES:
        with database_at(source, reads=True) as database, database.failures():
            statements = list(database.statements())
        name = Path(database.address.name).stem or database.address.dialect
        return schema_of(name, database.dialect, statements)
    found = _of_script(path, read_script(path))
    note = f"read as the SQL of {dialect_title(found.dialect)}"
    return Schema(found.name, found.dialect, found.tables, (note, *found.unread))


def _of_script(path: Path, text: str) -> Schema:
    """The schema of a script, in the first dialect in which all of its tables can be read.

    Raises:
        SourceError: There is none; what the likeliest dialect says.
    """
    refused: SourceError | None = None
    for dialect in script_dialects(text):
        try:
            return schema_of(path.name, dialect, statements_of(text, dialect, place=str(path)))
        except SourceError as exc:
            refused = refused or exc
            if exc.code != "source.unreadable":
                break
    assert refused is not None
    raise refused


def schema_of(name: str, dialect: str, statements: Iterable[Statement]) -> Schema:
    """The schema that statements define.

    Raises:
        SourceError: One can't be read, or none defines a table.
    """
    reader = SchemaReader(dialect)
    with _quiet_parser():
        for statement in statements:
            reader.read(statement)
    return reader.schema(name)


@contextmanager
def _quiet_parser() -> Iterator[None]:
    """Keep the parser's warnings of statements that it passes over; the reader names them."""
    logger = logging.getLogger("sqlglot")
    was, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was
