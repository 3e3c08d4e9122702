"""A file that declares tables, as a schema: each format by what only it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fabula.databases.schema import Schema
from fabula.errors import SourceError
from fabula.schemas.avro import read_avro
from fabula.schemas.dbt import is_dbt_manifest, read_dbt
from fabula.schemas.documents import read_document
from fabula.schemas.json_schema import is_json_schema, is_openapi, read_json_schema

_AVRO = (".avsc", ".avpr")
_PROTOBUF = (".desc", ".binpb", ".protoset", ".proto")


def read_declared(path: Path) -> Schema | None:
    """The schema that a file declares; None where it holds something else, such as data.

    Raises:
        SourceError: It declares tables, and can't be read.
        PrerequisiteError: The package that reads it is missing.
    """
    suffix = path.suffix.lower()
    if suffix in _AVRO:
        return read_avro(path, read_document(path))
    if suffix in _PROTOBUF:
        from fabula.schemas.protobuf import read_protobuf

        return read_protobuf(path)
    root = _document(path)
    if is_dbt_manifest(root):
        return read_dbt(path, root)
    if is_openapi(root) or is_json_schema(root):
        return read_json_schema(path, root)
    return None


def _document(path: Path) -> Any:
    """A JSON or YAML file; None for what is neither, which readers of data name."""
    if not path.is_file():
        return None
    try:
        return read_document(path)
    except SourceError:
        return None
