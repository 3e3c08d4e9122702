"""The spec of whatever declares tables: a database, a script, a file, models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fabula.databases.address import defines_schema
from fabula.databases.schema import Schema
from fabula.errors import UsageError
from fabula.inference.schemas.schema import InferredSchema, spec_of


def infer_schema(source: Any, *, profile: bool = False) -> InferredSchema | None:
    """The spec of a source that declares its tables, of which no row is read; None for data.

    Args:
        source: An address such as `postgresql://user@host/name`, a `.sql` file, a file of
            `fabula.schemas.reading`, or models in Python.
        profile: Whether to ask a database for aggregates.

    Raises:
        SourceError: It can't be read, or defines no table.
        UsageError: A profile is asked of what is not a database.
    """
    live = isinstance(source, str) and defines_schema(source) and not source.endswith(".sql")
    if profile and not live:
        raise UsageError(
            "a profile needs a database",
            code="usage.arguments",
            hint="give an address, or a file of SQLite or DuckDB: `--from postgresql://…`",
        )
    schema = _schema_of(source)
    if schema is None:
        return None
    drafted = replace(spec_of(schema), live=live)
    if not profile:
        return drafted
    from fabula.databases.profile import read_profiles
    from fabula.inference.schemas.profiled import with_profiles

    return with_profiles(drafted, schema, *read_profiles(source, schema))


def _schema_of(source: Any) -> Schema | None:
    if not isinstance(source, str):
        from fabula.schemas.models import read_models

        return read_models(source)
    if defines_schema(source):
        from fabula.databases.reading import read_schema

        return read_schema(source)
    from fabula.schemas.reading import read_declared

    return read_declared(Path(source))
