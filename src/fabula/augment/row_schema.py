"""What a wanted row looks like: the fields to ask for, and how their values become an object.

A Pydantic class or dataclass gives its objects, a JSON Schema gives dicts, and nothing gives
plain text.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from fabula.errors import UsageError
from fabula.llm.json_schema.dialect import resolved
from fabula.llm.rows.job import RowField

TEXT = "text"
"""The name under which plain text travels."""


class Make(Protocol):
    """Turns the values of a row into what the caller wants."""

    def __call__(self, values: Mapping[str, Any], /) -> Any:
        """The object; a `ValueError` says why there can be none."""
        ...


@dataclass(frozen=True)
class Shape:
    """The fields of a row, what makes an object of their values, and whether that is plain text."""

    fields: tuple[RowField, ...]
    make: Make
    is_text: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(each.name for each in self.fields)


def shape_of(schema: type | Mapping[str, Any] | None) -> Shape:
    """The shape that a class, a JSON Schema or None describes.

    Raises:
        UsageError: It is neither, or has no fields.
    """
    if schema is None:
        field = RowField(TEXT, {"type": "string"}, "the text itself")
        return Shape((field,), lambda values: values[TEXT], is_text=True)
    if isinstance(schema, Mapping):
        return Shape(_fields(schema), dict)
    if isinstance(schema, type) and (
        hasattr(schema, "model_json_schema") or dataclasses.is_dataclass(schema)
    ):
        return _shape_of_class(schema)
    raise UsageError(
        f"`{getattr(schema, '__name__', schema)}` describes no rows",
        code="usage.rows-schema",
        hint="give a Pydantic class, a dataclass, a JSON Schema of an object, or None for text",
    )


def _shape_of_class(cls: type) -> Shape:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(cls)
        fields = _fields(adapter.json_schema())
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError) as error:
        raise UsageError(
            f"`{cls.__name__}` has a field that JSON can't hold: {str(error).splitlines()[0]}",
            code="usage.rows-schema",
            hint="leave the field out of the class, and add it afterwards",
        ) from error
    return Shape(fields, partial(_object, adapter))


def _object(adapter: Any, values: Mapping[str, Any]) -> Any:
    """The object of the class; what may be left out takes its default."""
    return adapter.validate_python(values, by_alias=True, by_name=True)


def _fields(schema: Mapping[str, Any]) -> tuple[RowField, ...]:
    definitions = schema.get("$defs", {})
    properties = resolved(schema, schema).get("properties")  # a class may hold itself
    if not isinstance(properties, Mapping) or not properties:
        raise UsageError(
            "the schema has no fields",
            code="usage.rows-schema",
            hint='give a schema of an object: {"type": "object", "properties": {…}}',
        )
    return tuple(_field(name, part, definitions) for name, part in properties.items())


def _field(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> RowField:
    """One field; `null` alongside a type makes it optional."""
    left_out = ("title", "default", "description")
    value = {key: item for key, item in schema.items() if key not in left_out}
    branches = value.get("anyOf", ())
    others = [branch for branch in branches if branch.get("type") != "null"]
    if len(others) < len(branches):
        value.pop("anyOf")
        value |= others[0] if len(others) == 1 else {"anyOf": others}
    if "$ref" in json.dumps(value):
        value["$defs"] = dict(definitions)
    description = str(schema.get("description", ""))
    return RowField(name, value, description, required=len(others) == len(branches))
