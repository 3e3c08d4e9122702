"""Any class whose objects are rows, as a Pydantic class with the same fields.

A dataclass, an attrs class, a `TypedDict`, a `NamedTuple` and a class that SQLAlchemy maps to a
table each say in their own way what fields they have.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from fabula.errors import SpecError, Violation


@dataclass(frozen=True)
class RowModel:
    """What is known about a class.

    Attributes:
        model: The Pydantic class with its fields.
        build: Makes an object from values by the names of fields.
        keys: Fields that point at rows of other tables, with the table that they point at.
        unique: Fields of which no value may occur twice.
        related: What `build` takes besides the fields: related objects, with the fields that each
            stands for.
    """

    model: type[BaseModel]
    build: Callable[..., Any]
    keys: Mapping[str, str] = field(default_factory=dict)
    unique: frozenset[str] = frozenset()
    related: Mapping[str, frozenset[str]] = field(default_factory=dict)


def row_model(cls: type) -> RowModel | None:
    """What is known about a class; None if its objects are not rows.

    Args:
        cls: Any class.

    Raises:
        SpecError: A field has a type that is not known.
    """
    if hasattr(cls, "__mapper__"):
        return _mapped(cls)
    if issubclass(cls, BaseModel):
        return RowModel(cls, cls)
    if dataclasses.is_dataclass(cls):
        names = {each.name: each.name for each in dataclasses.fields(cls) if each.init}
    elif hasattr(cls, "__attrs_attrs__"):
        names = {each.alias: each.name for each in cls.__attrs_attrs__ if each.init}
    elif is_typeddict(cls) or (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        names = {name: name for name in cls.__annotations__}
    else:
        return None
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        message = f"`{cls.__name__}` names a type that is not found: {error}"
        hint = "define both classes in a module, outside of functions"
        raise SpecError([Violation("spec.unknown-type", message, cls.__name__, hint)]) from error
    fields = {alias: (hints.get(name, Any), ...) for alias, name in names.items()}
    return RowModel(model_of(cls.__name__, fields), cls)


def model_of(name: str, fields: Mapping[str, Any]) -> type[BaseModel]:
    """A Pydantic class with some fields.

    Args:
        name: What it is called.
        fields: The type of each field, and its default or what else is known about it.

    Raises:
        SpecError: A field has a type that is not known.
    """
    try:
        return create_model(name, __config__=ConfigDict(arbitrary_types_allowed=True), **fields)
    except (PydanticUserError, PydanticSchemaGenerationError, NameError) as error:
        raise unusable(name, error) from error


def unusable(name: str, error: Exception) -> SpecError:
    """The error for a type that can't become a column.

    Args:
        name: The class or the field.
        error: What is wrong with it.
    """
    reason = re.sub(r"\s+", " ", str(error)).partition(" For further")[0]
    message = f"`{name}` has a type that JSON can't hold: {reason}"
    hint = "give the field a column of its own: `Annotated[…, col.constant(…)]`"
    return SpecError([Violation("spec.unusable-type", message, name, hint)])


def _mapped(cls: Any) -> RowModel:
    """What SQLAlchemy knows of a class; what the database fills in is left out."""
    mapper = cls.__mapper__
    own = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    left = {each.name for each in own if not each.init}
    columns = {
        each.key: each.columns[0]
        for each in mapper.column_attrs
        if each.key not in left
        and hasattr(each.columns[0], "nullable")
        and not _filled_in(each.columns[0])
    }
    keys = {
        name: next(iter(column.foreign_keys)).target_fullname.rpartition(".")[0]
        for name, column in columns.items()
        if column.foreign_keys
    }
    names = {column: name for name, column in columns.items()}
    related = {
        each.key: frozenset(names[c] for c in each.local_columns if c in names and c.foreign_keys)
        for each in mapper.relationships
    }
    only = mapper.primary_key if len(mapper.primary_key) == 1 else ()
    unique = frozenset(name for name, c in columns.items() if c.unique or any(c is k for k in only))
    fields = {name: _field(column) for name, column in columns.items()}
    return RowModel(model_of(cls.__name__, fields), cls, keys, unique, related)


def _filled_in(column: Any) -> bool:
    """Whether the database gives the value."""
    numbered = column.table is not None and column is column.table.autoincrement_column
    return numbered or any((column.server_default, column.computed, column.identity))


def _field(column: Any) -> Any:
    """The type of a mapped column, with its length and digits."""
    kind = column.type
    if getattr(kind, "enums", None):
        python: Any = kind.enum_class or Literal[tuple(kind.enums)]
    else:
        try:
            python = dict if kind.python_type is object else kind.python_type  # JSON
        except NotImplementedError:
            python = Any
    known: dict[str, Any] = {"description": column.comment or column.doc}
    if python in (str, bytes):
        known["max_length"] = kind.length
    elif python is Decimal:
        known |= {"max_digits": kind.precision, "decimal_places": kind.scale}
    # A key may be left out where the related object is given.
    default = None if column.foreign_keys else ...
    return (python | None if column.nullable else python), Field(default, **known)
