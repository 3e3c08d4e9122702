"""A file that declares tables, as a schema: each format by what only it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fabula.databases.schema import Schema
from fabula.errors import SourceError
from fabula.schemas.documents import read_document
from fabula.schemas.json_schema import is_json_schema, is_openapi, read_json_schema


def read_declared(path: Path) -> Schema | None:
    """The schema that a file declares; None where it holds something else, such as data.

    Raises:
        SourceError: It declares tables, and can't be read.
    """
    root = _document(path)
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
