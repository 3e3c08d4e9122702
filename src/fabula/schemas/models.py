"""Models in Python, of SQLAlchemy, SQLModel and Django, as the schema that they create.

Each library writes the statements that create its tables, which are read like a script; what only
the classes say (choices, bounds, patterns) is added as conditions. No database is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from fabula.databases.reading import schema_of
from fabula.databases.schema import Schema, Table
from fabula.databases.statements import Statement
from fabula.errors import SourceError
from fabula.schemas.annotated import with_conditions
from fabula.schemas.signs import is_django, metadata_of

if TYPE_CHECKING:
    from sqlalchemy import MetaData

_URLS = {"postgres": "postgresql+psycopg://", "mysql": "mysql+pymysql://", "sqlite": "sqlite://"}
"""For which database statements are written: the first one that knows all types."""


def read_models(thing: Any) -> Schema:
    """The schema of a declarative base, metadata, models, or a module that has them.

    Raises:
        SourceError: It declares no table, or uses types that no database has.
    """
    things = list(thing) if isinstance(thing, list | tuple) else [thing]
    if is_django(things[0]):
        from fabula.schemas.django_models import read_django

        return read_django(things)
    metadata = metadata_of(things[0])
    assert metadata is not None
    wanted = [table for each in things for table in _tables_of(each, metadata)]
    schema = _created(metadata, wanted, _named(things[0]))
    notes = tuple(_only_in_code(schema, things[0]))
    tables = _with_fields(schema, things[0])
    return replace(schema, tables=tables, unread=(*notes, *schema.unread))


def _tables_of(thing: Any, metadata: MetaData) -> Iterable[Any]:
    """The tables of a class, with those that its keys lead to; all tables of anything else."""
    table = thing if type(thing).__name__ == "Table" else getattr(thing, "__table__", None)
    if table is None:
        return metadata.tables.values()
    found, waiting = {table.key: table}, [table]
    while waiting:
        for key in waiting.pop().foreign_keys:
            if key.column.table.key not in found:
                found[key.column.table.key] = key.column.table
                waiting.append(key.column.table)
    return found.values()


def _created(metadata: MetaData, tables: Sequence[Any], name: str) -> Schema:
    """The schema of the statements that create tables.

    Raises:
        SourceError: There is no table, or no database knows all types.
    """
    import sqlalchemy as sa

    if not tables:
        raise SourceError(
            f"`{name}` has no tables",
            code="source.empty",
            hint="import the modules that define its classes first",
        )
    refused = ""
    for dialect, url in _URLS.items():
        made: list[str] = []
        database = sa.create_mock_engine(url, lambda *_, **__: None).dialect
        engine = sa.create_mock_engine(url, _kept_in(made, database))
        try:
            metadata.create_all(engine, tables=tables, checkfirst=False)
        except sa.exc.CompileError as exc:
            refused = str(exc).partition("\n")[0]
            continue
        return schema_of(name, dialect, [Statement(sql, name) for sql in made])
    raise SourceError(f"`{name}`: {refused}", code="source.unreadable")


def _kept_in(made: list[str], dialect: Any) -> Callable[..., None]:
    """What keeps the statements that would be run."""
    return lambda sql, *_, **__: made.append(str(sql.compile(dialect=dialect)))


def _with_fields(schema: Schema, thing: Any) -> dict[str, Table]:
    """The tables with what SQLModel's fields say beyond their columns."""
    tables = dict(schema.tables)
    for mapper in _mappers(thing):
        table = tables.get(getattr(mapper.local_table, "name", ""))
        if table is None:
            continue
        for name, info in getattr(mapper.class_, "model_fields", {}).items():
            if name in table.columns:
                table = with_conditions(table, name, info.metadata)
                about = " ".join((info.description or "").split())
                comment = table.columns[name].comment or about
                table = table.with_column(name, comment=comment)
        told = getattr(mapper.polymorphic_on, "name", None)
        if told is not None and told in table.columns and mapper.polymorphic_map:
            listed = [exp.convert(value) for value in mapper.polymorphic_map]
            name = exp.column(exp.to_identifier(told, quoted=True))
            table = replace(table, checks=(*table.checks, exp.In(this=name, expressions=listed)))
        tables[table.name] = table
    return tables


def _only_in_code(schema: Schema, thing: Any) -> Iterator[str]:
    """What classes ask of rows and no statement says."""
    for mapper in _mappers(thing):
        if getattr(mapper.local_table, "name", "") not in schema.tables:
            continue
        told = [f"`{name}`" for name in mapper.validators]
        pydantic = getattr(mapper.class_, "__pydantic_decorators__", None)
        for each in ("field_validators", "model_validators", "validators", "root_validators"):
            told += [f"`{name}`" for name in getattr(pydantic, each, ())]
        if mapper.inherits is not None:
            parent = mapper.inherits.local_table.name
            yield f"{mapper.local_table.name}: its rows of `{parent}` may name another class"
        if told:
            rules = ", ".join(told)
            yield f"{mapper.local_table.name}: validators are not run: {rules}: rows may break them"


def _mappers(thing: Any) -> Iterable[Any]:
    registry = getattr(thing, "registry", None) or getattr(thing, "_sa_registry", None)
    return getattr(registry, "mappers", ())


def _named(thing: Any) -> str:
    """What a schema is called: the file, or the package, of its models."""
    if isinstance(thing, ModuleType) and thing.__file__:
        return Path(thing.__file__).stem
    name = str(getattr(thing, "__module__", None) or "").partition(".")[0]
    return "models" if name in ("", "__main__", "sqlalchemy", "sqlmodel") else name
