"""What is to be taken out of a text: a class, a JSON Schema, its file, or one line of names.

The line is `name str, films list[str], year int?, mood good|bad`: a name, its type (text if
none is given), and a question mark for what a text may leave out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fabula.augment.row_schema import Shape, shape_of
from fabula.errors import UsageError, did_you_mean
from fabula.inference.resolve import class_of
from fabula.llm.rows.job import RowField

SchemaLike: TypeAlias = type | Mapping[str, Any] | str
"""A Pydantic class or dataclass, a JSON Schema, `module:Class`, a schema's file, or one line."""

OBJECTS = "objects"
"""The name under which several objects of one text travel."""

_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}
_PART = re.compile(
    r"""\s*(?P<name>"[^"]+"|[^\s,"]+)(?:\s+(?P<type>[^,\s?]+(?:\s*\|\s*[^,\s?|]+)*))?(?P<may>\s*\?)?\s*"""
)


@dataclass(frozen=True)
class ExtractSchema:
    """What is taken out of each text.

    Attributes:
        shape: The fields of one object.
        many: Whether a text contains any number of objects.
    """

    shape: Shape
    many: bool

    def fields(self) -> tuple[RowField, ...]:
        """What is asked of the model for one text."""
        if not self.many:
            return self.shape.fields
        listed = {"type": "array", "items": object_schema(self.shape.fields)}
        definitions = _definitions(self.shape.fields)
        schema = listed | ({"$defs": definitions} if definitions else {})
        return (RowField(OBJECTS, schema, "every object that the text tells of, in its order"),)

    def made(self, values: Mapping[str, Any]) -> Any:
        """A reply's values as the caller wants them: an object, or a list of them."""
        if not self.many:
            return self.shape.make(values)
        return [self.shape.make(each) for each in values[OBJECTS]]


def wanted_of(schema: SchemaLike, *, many: bool = False) -> ExtractSchema:
    """What a schema in any form asks for.

    Raises:
        UsageError: It can't be read, or has no fields.
    """
    if isinstance(schema, str):
        schema = class_of(schema) or _from_text(schema)
    if isinstance(schema, Mapping) and schema.get("type") == "array":
        inner = {**schema.get("items", {}), "$defs": schema.get("$defs", {})}
        return ExtractSchema(shape_of(inner), many=True)
    return ExtractSchema(shape_of(schema), many)


def object_schema(fields: Sequence[RowField]) -> dict[str, Any]:
    """The JSON Schema of an object with these fields; definitions stand elsewhere."""
    properties = {}
    for each in fields:
        value = {key: item for key, item in each.schema.items() if key != "$defs"}
        value |= {"description": each.description} if each.description else {}
        properties[each.name] = value if each.required else {"anyOf": [value, {"type": "null"}]}
    required = [each.name for each in fields if each.required]
    return {"type": "object", "properties": properties, "required": required}


def _definitions(fields: Sequence[RowField]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields:
        found |= each.schema.get("$defs", {})
    return found


def _from_text(text: str) -> Mapping[str, Any]:
    if text.rstrip().lower().endswith(".json"):
        return _from_file(Path(text.strip()))
    return _from_line(text)


def _from_file(path: Path) -> Mapping[str, Any]:
    try:
        schema = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"`{path}` can't be read: {error.strerror or error}",
            code="usage.extract-schema",
            where=str(path),
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"`{path}` is not JSON: {error}", code="usage.extract-schema", where=str(path)
        ) from error
    if not isinstance(schema, dict):
        raise UsageError(
            f"`{path}` holds no JSON Schema", code="usage.extract-schema", where=str(path)
        )
    return schema


def _from_line(line: str) -> dict[str, Any]:
    """The schema that one line of names and types means."""
    properties: dict[str, Any] = {}
    required = []
    for part in line.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise UsageError(
                f"`{part.strip() or line}` names no field",
                code="usage.extract-schema",
                hint="write `name str, films list[str], year int?, mood good|bad`",
            )
        name = found["name"].strip('"')
        may = found["may"] is not None
        if found["type"] is None and name.endswith("?"):
            name, may = name[:-1], True
        schema = _type(found["type"] or "str")
        properties[name] = {"anyOf": [schema, {"type": "null"}]} if may else schema
        required += [] if may else [name]
    return {"type": "object", "properties": properties, "required": required}


def _type(text: str) -> dict[str, Any]:
    if "|" in text:
        return {"enum": [choice.strip() for choice in text.split("|")]}
    inner = re.fullmatch(r"list\[(.+)\]", text)
    if inner is not None:
        return {"type": "array", "items": _type(inner[1])}
    if text not in _TYPES:
        known = [*_TYPES, "list[str]"]
        raise UsageError(
            f"there is no type `{text}`",
            code="usage.extract-schema",
            hint=did_you_mean(text, known) or f"there are {', '.join(known)} and `this|that`",
        )
    return dict(_TYPES[text])
