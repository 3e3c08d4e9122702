"""What a text or an object names as the source of a spec: models, a schema, classes or data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

from fabula.databases.address import defines_schema
from fabula.errors import UsageError
from fabula.inference.resolve import current_folder_importable, import_object, is_class_name
from fabula.schemas.code import DJANGO, django_models, models_file
from fabula.schemas.signs import DECLARING, declares_tables


def named_source(text: str) -> Any:
    """The models that a text names, or the text itself.

    Raises:
        UsageError: It names code that can't be imported, or that nobody allowed.
    """
    if text.startswith(DJANGO):
        with current_folder_importable():
            return django_models(text)
    if text.lower().endswith(".py") and Path(text).is_file():
        return models_file(Path(text))
    return import_object(text) if is_class_name(text) else text


def may_declare(source: Any) -> bool:
    """Whether a source may say what its tables promise."""
    if isinstance(source, str):
        return defines_schema(source) or Path(source).suffix.lower() in DECLARING
    return declares_tables(source)


def row_classes_of(module: ModuleType) -> list[type]:
    """The Pydantic classes and dataclasses that a file defines.

    Raises:
        UsageError: There are none.
    """
    from pydantic import BaseModel

    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and (issubclass(value, BaseModel) or dataclasses.is_dataclass(value))
    ]
    if not found:
        raise UsageError(
            f"`{module.__file__}` defines no models",
            code="usage.no-spec",
            hint="define classes of SQLAlchemy, SQLModel or Pydantic, or dataclasses",
        )
    return found
