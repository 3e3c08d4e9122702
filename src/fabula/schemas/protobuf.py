"""Protobuf's descriptor sets as JSON Schemas of the same messages, in Protobuf's JSON form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fabula.databases.schema import Schema
from fabula.errors import PrerequisiteError, SourceError
from fabula.schemas.json_schema import read_definitions

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

_INT32, _INT64 = {"type": "integer", "format": "int32"}, {"type": "integer", "format": "int64"}
_UINT32 = {"type": "integer", "format": "uint32", "minimum": 0}
_UINT64 = {"type": "integer", "format": "uint64", "minimum": 0}
_PLAIN: Mapping[str, Mapping[str, Any]] = {
    "INT32": _INT32, "SINT32": _INT32, "SFIXED32": _INT32, "UINT32": _UINT32, "FIXED32": _UINT32,
    "INT64": _INT64, "SINT64": _INT64, "SFIXED64": _INT64, "UINT64": _UINT64, "FIXED64": _UINT64,
    "DOUBLE": {"type": "number"},
    "FLOAT": {"type": "number"},
    "BOOL": {"type": "boolean"},
    "STRING": {"type": "string"},
    "BYTES": {"type": "string", "format": "byte"},
}  # fmt: skip
_WRAPPED = {
    "DoubleValue": "DOUBLE", "FloatValue": "FLOAT", "Int64Value": "INT64", "UInt64Value": "UINT64",
    "Int32Value": "INT32", "UInt32Value": "UINT32", "BoolValue": "BOOL", "StringValue": "STRING",
    "BytesValue": "BYTES",
}  # fmt: skip
_KNOWN: Mapping[str, Mapping[str, Any]] = {
    "Timestamp": {"type": "string", "format": "date-time"},
    "Duration": {"type": "string", "pattern": "[1-9][0-9]{0,4}s"},
    "FieldMask": {"type": "string", "pattern": "[a-z]{3,8}"},
    "Struct": {"type": "object"},
    "Value": {"type": "string"},
    "ListValue": {"type": "array", "items": {"type": "string"}},
    "Empty": {"type": "object"},
    **{name: {"anyOf": [_PLAIN[kind], {"type": "null"}]} for name, kind in _WRAPPED.items()},
}
"""Google's own messages, which have a JSON form of their own."""


def read_protobuf(path: Path) -> Schema:
    """The messages of a descriptor set (`protoc --descriptor_set_out`), a table each.

    Raises:
        PrerequisiteError: The package `protobuf` is missing.
        SourceError: It can't be read, or has no messages.
    """
    command = f"protoc --include_imports --descriptor_set_out={path.stem}.binpb {path.stem}.proto"
    if path.suffix.lower() == ".proto":
        raise SourceError(
            f"`{path}` is Protobuf's source",
            code="source.unsupported",
            file=str(path),
            hint=f"compile it: `{command}`, and give `{path.stem}.binpb`",
        )
    try:
        from google.protobuf.descriptor_pb2 import FileDescriptorSet
        from google.protobuf.message import DecodeError
    except ImportError as exc:
        raise PrerequisiteError.for_extra("protobuf", needed_by="a descriptor set") from exc
    try:
        files = FileDescriptorSet.FromString(path.read_bytes()).file
    except (OSError, DecodeError) as exc:
        raise SourceError(
            f"`{path}` is not a descriptor set: {exc}",
            code="source.unreadable",
            file=str(path),
            hint=f"make one with `{command}`",
        ) from exc
    reader = _Reader()
    tops = []
    for file in sorted(files, key=lambda file: not file.package.startswith("google.")):
        names = [reader.define(message, file.package) for message in file.message_type]
        for enum in file.enum_type:
            reader.enumerate(enum, file.package)
        if file.package.startswith("google."):
            reader.notes.clear()  # they have a JSON form of their own
            continue
        tops += names
        reader.notes += [
            f"{each.extendee.removeprefix('.')}: the extension `{each.name}` is left out"
            for each in file.extension
            if not each.extendee.startswith(".google.")
        ]
    return read_definitions(path, reader.definitions, tops, tuple(reader.notes))


class _Reader:
    """Messages and enumerations by their full names."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self.notes: list[str] = []

    def enumerate(self, enum: Any, scope: str) -> None:
        """Keep the names of an enumeration; the one that means nothing is not drawn."""
        names = [value.name for value in enum.value]
        said = [name for name in names if not name.endswith(("_UNSPECIFIED", "_UNKNOWN"))]
        full = f"{scope}.{enum.name}" if scope else enum.name
        self.definitions[full] = {"type": "string", "enum": said or names}

    def define(self, message: DescriptorProto, scope: str) -> str:
        """Keep a message, with those that it defines itself; returns its full name."""
        full = f"{scope}.{message.name}" if scope else message.name
        for inner in message.nested_type:
            self.define(inner, full)
        for enum in message.enum_type:
            self.enumerate(enum, full)
        maps = {inner.name: inner for inner in message.nested_type if inner.options.map_entry}
        properties = dict(self._fields(message, full, maps))
        needed = [field.name for field in message.field if field.label == field.LABEL_REQUIRED]
        self.definitions[full] = {
            "type": "object", "properties": properties, "required": needed
        }  # fmt: skip
        return full

    def _fields(
        self, message: DescriptorProto, full: str, maps: Mapping[str, DescriptorProto]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The fields of a message; of a `oneof`, the first one."""
        from google.protobuf.unknown_fields import UnknownFieldSet

        chosen: dict[int, str] = {}
        for field in message.field:
            place = f"{full}.{field.name}"
            if len(UnknownFieldSet(field.options)):
                self.notes.append(f"{place}: an option that rules of validation use is not read")
            if field.HasField("oneof_index") and not field.proto3_optional:
                first = chosen.setdefault(field.oneof_index, field.name)
                if first != field.name:
                    self.notes.append(f"{place} is left out: of its `oneof` there is `{first}`")
                    continue
            made = self._type(field, place)
            entry = maps.get(field.type_name.rpartition(".")[2])
            if made is None:
                continue
            if entry is not None:
                values = self._type(entry.field[1], place) or {"type": "string"}
                key = entry.field[0]
                pattern = {"propertyNames": {"pattern": _key_pattern(key)}}
                yield field.name, {"type": "object", "additionalProperties": values, **pattern}
            elif field.label == field.LABEL_REPEATED:
                yield field.name, {"type": "array", "items": made}
            elif field.proto3_optional:
                yield field.name, {"anyOf": [made, {"type": "null"}]}
            else:
                yield field.name, made

    def _type(self, field: FieldDescriptorProto, place: str) -> dict[str, Any] | None:
        """A field's type; None for a message that can hold anything."""
        kind = field.Type.Name(field.type).removeprefix("TYPE_")
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        name = field.type_name.removeprefix(".")
        last = name.removeprefix("google.protobuf.")
        if name != last and last in _KNOWN:
            return dict(_KNOWN[last])
        if name == "google.protobuf.Any" or kind == "GROUP":
            told = "it is a group" if kind == "GROUP" else "it can hold any message"
            self.notes.append(f"{place} is left out: {told}")
            return None
        return {"$ref": f"#/definitions/{name}"}


def _key_pattern(key: FieldDescriptorProto) -> str:
    """What the names of a map look like in JSON."""
    kind = key.Type.Name(key.type).removeprefix("TYPE_")
    return {"STRING": "[a-z]{6}", "BOOL": "true|false"}.get(kind, "[1-9][0-9]{0,3}")
