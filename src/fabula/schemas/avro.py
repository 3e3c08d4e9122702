"""Avro's schemas, `.avsc` and `.avpr`, as JSON Schemas of the same values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fabula.databases.schema import Schema
from fabula.errors import SourceError
from fabula.schemas.json_schema import read_definitions
from fabula.schemas.scalars import SQL_TYPE

_PLAIN: Mapping[str, Mapping[str, Any]] = {
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "string": {"type": "string"},
    "bytes": {"type": "string", SQL_TYPE: "BINARY"},
}
_LOGICAL: Mapping[str, Mapping[str, Any]] = {
    "date": {"type": "string", SQL_TYPE: "DATE"},
    "time-millis": {"type": "string", SQL_TYPE: "TIME"},
    "time-micros": {"type": "string", SQL_TYPE: "TIME"},
    "uuid": {"type": "string", SQL_TYPE: "UUID"},
    **{
        f"{zone}timestamp-{unit}": {"type": "string", SQL_TYPE: "TIMESTAMP"}
        for zone in ("", "local-")
        for unit in ("millis", "micros", "nanos")
    },
}


def read_avro(path: Path, root: Any) -> Schema:
    """The records of an Avro schema: those at the top are tables, the others nested.

    Raises:
        SourceError: It has no record, or names a type that it does not define.
    """
    reader = _Reader()
    listed = root.get("types") if isinstance(root, Mapping) and "protocol" in root else root
    namespace = str(root.get("namespace") or "") if isinstance(root, Mapping) else ""
    tops = []
    for part in listed if isinstance(listed, list) else [listed]:
        made = reader.of(part, namespace, path.stem)
        if isinstance(part, Mapping) and part.get("type") in ("record", "error"):
            tops.append(str(made["$ref"]).rpartition("/")[2])
    unknown = [name for name in reader.used if name not in reader.definitions]
    if unknown:
        raise SourceError(
            f"`{path}` uses `{unknown[0]}`, which it does not define",
            code="source.reference",
            file=str(path),
            hint="put the types that it uses into the same file, as a list of schemas",
        )
    return read_definitions(path, reader.definitions, tops, tuple(reader.notes))


class _Reader:
    """Named types by their full names, as they are met."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self.used: list[str] = []
        self.notes: list[str] = []

    def of(self, schema: Any, namespace: str, place: str) -> dict[str, Any]:
        """A schema of Avro as a JSON Schema."""
        if isinstance(schema, str):
            return dict(_PLAIN[schema]) if schema in _PLAIN else self._named(schema, namespace)
        if isinstance(schema, list):
            forms = [self.of(part, namespace, place) for part in schema]
            return forms[0] if len(forms) == 1 else {"anyOf": forms}
        if not isinstance(schema, Mapping) or "type" not in schema:
            raise SourceError(f"`{place}` is not a type of Avro", code="source.unreadable")
        kind, logical = schema["type"], str(schema.get("logicalType") or "")
        if kind == "array":
            return {"type": "array", "items": self.of(schema["items"], namespace, f"{place}[]")}
        if kind == "map":
            values = self.of(schema["values"], namespace, f"{place}.*")
            return {"type": "object", "additionalProperties": values}
        if kind in ("record", "error", "enum", "fixed"):
            return self._define(schema, namespace, place)
        if logical == "decimal":
            return _decimal(schema)
        if logical in _LOGICAL:
            return dict(_LOGICAL[logical])
        if logical:
            self.notes.append(f"{place}: the logical type `{logical}` is not known")
        return self.of(kind, namespace, place)

    def _named(self, name: str, namespace: str) -> dict[str, Any]:
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        known = full if full in self.definitions or name not in self.definitions else name
        self.used.append(known)
        return {"$ref": f"#/definitions/{known}"}

    def _define(self, schema: Mapping[str, Any], namespace: str, place: str) -> dict[str, Any]:
        """A named type; what uses it refers to it."""
        name = str(schema.get("name"))
        space = str(schema.get("namespace") or namespace)
        if "." in name:
            space, _, name = name.rpartition(".")
        full = f"{space}.{name}" if space else name
        self.definitions[full] = {}  # a record may hold its own kind
        self.definitions[full] = self._body(schema, space, place)
        return {"$ref": f"#/definitions/{full}"}

    def _body(self, schema: Mapping[str, Any], space: str, place: str) -> dict[str, Any]:
        about = {"description": schema["doc"]} if schema.get("doc") else {}
        if schema["type"] == "enum":
            return {"type": "string", "enum": list(schema["symbols"]), **about}
        if schema["type"] == "fixed":
            if schema.get("logicalType") == "decimal":
                return _decimal(schema)
            return {"type": "string", SQL_TYPE: f"BINARY({int(schema['size'])})"}
        properties = dict(self._fields(schema, space, place))
        return {
            "type": "object", "properties": properties, "required": list(properties), **about
        }  # fmt: skip

    def _fields(
        self, schema: Mapping[str, Any], space: str, place: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for field in schema.get("fields") or ():
            name = str(field["name"])
            made = self.of(field["type"], space, f"{place}.{name}")
            about = field.get("doc")
            yield name, {"allOf": [made], "description": about} if about else made


def _decimal(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A number of that many decimals; the spec's numbers are doubles."""
    digits = int(schema.get("precision") or 9)
    return {"type": "number", SQL_TYPE: f"DECIMAL({digits}, {int(schema.get('scale') or 0)})"}
