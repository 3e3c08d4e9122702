"""Rewrites JSON Schema for endpoints, and their replies back to the caller's schema.

Strict endpoints accept a subset: the root is an object, every object is closed and requires all
of its properties, and only some keywords exist. The rewritten schema means the same:
optional properties become nullable, other roots are wrapped, and keywords outside the subset move
into the description, where the model still reads them. `restore` undoes the first two in replies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fabula.llm.client.presets import Dialect

WRAPPER = "value"
"""The property that wraps a reply whose schema is not an object."""

_STRICT_WORDS = """
type enum const anyOf $ref $defs properties required additionalProperties description title
minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems pattern
"""
_STRICT_FORMATS = "date-time time date duration email hostname ipv4 ipv6 uuid"
_KEPT = frozenset(_STRICT_WORDS.split())
_KEPT_FORMATS = frozenset(_STRICT_FORMATS.split())
_SILENT = frozenset(("default", "examples", "items", "$schema", "$id", "$comment", "discriminator"))
_FOLDED = re.compile(r" ?\[must hold: (\{.*\})\]$")


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema ready to send.

    Args:
        schema: The schema to send.
        strict: Whether it is within the strict subset (open objects are not).
        wrapped: Whether the reply is in the property `value`.
        optional: Whether properties became nullable.
        original: The caller's schema.
    """

    schema: dict[str, Any]
    strict: bool
    wrapped: bool
    optional: bool
    original: dict[str, Any]

    def restore(self, text: str) -> str:
        """A reply in the form of the caller's schema; incomplete JSON is returned unchanged."""
        if not (self.wrapped or self.optional):
            return text
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if self.wrapped and isinstance(value, dict) and set(value) == {WRAPPER}:
            value = value[WRAPPER]
        if self.optional:
            value = _without_nulls(value, self.original, self.original)
        return json.dumps(value, ensure_ascii=False)


def shape(schema: Mapping[str, Any], dialect: Dialect) -> Shape:
    """The schema in an endpoint's dialect; equal schemas are converted once."""
    return _shape(json.dumps(schema), dialect)


@lru_cache(maxsize=256)
def _shape(text: str, dialect: Dialect) -> Shape:
    original: dict[str, Any] = json.loads(text)
    writer = _StrictWriter() if dialect == "strict" else None
    schema = writer.write(original) if writer else original
    definitions = {word: schema[word] for word in schema if word in ("$defs", "definitions")}
    root = resolved(_merged(original), original)
    wrapped = root.get("type") != "object" and "properties" not in root
    if wrapped:
        inner = {word: value for word, value in schema.items() if word not in definitions}
        schema = {
            "type": "object",
            "properties": {WRAPPER: inner},
            "required": [WRAPPER],
            "additionalProperties": False,
            **definitions,
        }
    elif "$ref" in schema:
        # A root that is only a reference doesn't count as an object.
        schema = {**resolved(schema, schema), **definitions}
    return Shape(
        schema=schema,
        strict=writer is not None and not writer.open_objects,
        wrapped=wrapped,
        optional=writer is not None and writer.made_nullable,
        original=original,
    )


def with_folded(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A strict schema with the keywords restored that its descriptions contain."""
    found = _FOLDED.search(str(schema.get("description", "")))
    return {**schema, **json.loads(found[1])} if found else schema


class _StrictWriter:
    """Rewrites one schema and remembers what it changed."""

    def __init__(self) -> None:
        self.open_objects = False
        self.made_nullable = False

    def write(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        schema = _merged(schema)
        written: dict[str, Any] = {}
        folded: dict[str, Any] = {}
        for word, value in schema.items():
            if word in ("$defs", "definitions"):
                written["$defs"] = {name: self.write(item) for name, item in value.items()}
            elif word in ("anyOf", "oneOf"):
                written["anyOf"] = [self.write(item) for item in value]
            elif word == "items" and isinstance(value, Mapping):
                written[word] = self.write(value)
            elif word == "prefixItems":
                written["items"] = {"anyOf": [self.write(item) for item in value]}
                folded[word] = value
            elif word == "$ref":
                written[word] = value.replace("#/definitions/", "#/$defs/")
            elif word in _KEPT or (word == "format" and value in _KEPT_FORMATS):
                written[word] = value
            elif word not in _SILENT:
                folded[word] = value
        if folded:
            note = f"[must hold: {json.dumps(folded)}]"
            written["description"] = f"{written.get('description', '')} {note}".strip()
        if written.get("type") == "object" or "properties" in written:
            self._close(written, schema)
        if "$ref" in written and len(written.keys() - {"$ref", "$defs"}):
            written = {**written, "anyOf": [{"$ref": written.pop("$ref")}]}
        return written

    def _close(self, written: dict[str, Any], schema: Mapping[str, Any]) -> None:
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping) or (not properties and extra is not False):
            self.open_objects = True
            written["additionalProperties"] = (
                self.write(extra) if isinstance(extra, Mapping) else True
            )
        else:
            written["additionalProperties"] = False
        required = set(schema.get("required") or ())
        written["properties"] = {
            name: self.write(item) if name in required else self._nullable(self.write(item))
            for name, item in properties.items()
        }
        written["required"] = list(properties)

    def _nullable(self, schema: dict[str, Any]) -> dict[str, Any]:
        if _takes_null(schema):
            return schema
        self.made_nullable = True
        kind = schema.get("type")
        if "anyOf" in schema:
            return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
        if isinstance(kind, str) and not {"enum", "const"} & schema.keys():
            return {**schema, "type": [kind, "null"]}
        if isinstance(kind, list) and not {"enum", "const"} & schema.keys():
            return {**schema, "type": [*kind, "null"]}
        return {"anyOf": [schema, {"type": "null"}]}


def _merged(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with `allOf` merged into it, if keywords do not contradict."""
    if "allOf" not in schema:
        return schema
    merged = {word: value for word, value in schema.items() if word != "allOf"}
    for part in schema["allOf"]:
        for word, value in _merged(part).items():
            if word == "properties":
                merged[word] = {**merged.get(word, {}), **value}
            elif word == "required":
                merged[word] = [*merged.get(word, []), *value]
            else:
                merged.setdefault(word, value)
    return merged


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return (
        kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or any(_takes_null(item) for item in schema.get("anyOf", schema.get("oneOf", ())))
        or ("enum" in schema and None in schema["enum"])
    )


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a `$ref` chain within one document."""
    for _ in range(32):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        target: Any = root
        for step in reference[2:].split("/"):
            target = target.get(step, {}) if isinstance(target, Mapping) else {}
        schema = target
    return schema


def _without_nulls(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """The value without the nulls that stand for left-out optional properties."""
    schema = resolved(_merged(schema), root)
    branches = schema.get("anyOf", schema.get("oneOf"))
    if branches:
        fitting = [item for item in branches if _fits(value, resolved(item, root))]
        return _without_nulls(value, fitting[0], root) if fitting else value
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [_without_nulls(item, schema["items"], root) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties") or {}
    required = schema.get("required") or ()
    return {
        name: _without_nulls(item, properties.get(name, {}), root)
        for name, item in value.items()
        if item is not None
        or name in required
        or name not in properties
        or _takes_null(resolved(properties[name], root))
    }


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value can belong to one branch of a union, by its outer shape."""
    if isinstance(value, dict):
        names = schema.get("properties", {})
        required = set(schema.get("required") or ())
        return bool(names) and required <= value.keys() and value.keys() <= names.keys()
    return isinstance(value, list) and "items" in schema
