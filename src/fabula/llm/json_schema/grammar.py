"""Adapts a JSON Schema to the embedded engine's grammar (LLGuidance).

The engine silently drops a whole grammar that has an unknown keyword, and runs to the token limit
if a value has no bound. So unknown keywords are removed here (replies are validated against the
full schema later) and every value gets a bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from fabula.fakers.regex_syntax import parts_of
from fabula.llm.json_schema.wording import usual_range

TEXT_LENGTH = 160
LIST_LENGTH = 5
LARGE = 1_000_000

_BOUNDS_KEPT = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems"),
)
_KEPT = frozenset(("type", "enum", "const", "required", "$ref", *_BOUNDS_KEPT))
_NESTED_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_NESTED_MAPS = ("properties", "$defs", "definitions")
_FORMATS = frozenset(("date", "uuid", "ipv4", "ipv6", "hostname"))
_FORMAT_PATTERNS = {
    "date-time": r"^20[0-2]\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3])(:[0-5]\d){2}Z$",
    "time": r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$",
    "duration": r"^P[1-9]\d?D$",
    "email": r"^[a-z]{2,12}(\.[a-z]{2,12})?@[a-z]{3,12}\.(com|net|org)$",
    "uri": r"^https://www\.[a-z]{3,12}\.(com|net|org)/[a-z]{0,12}$",
}
_UNKNOWN_IN_PATTERN = re.compile(r"\(\?(?!:)|\\[1-9bBAZ]|[*+?}]\+")
"""Look-around, flags, back references, word boundaries and possessive quantifiers."""

_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema in the engine's subset, with a bound on every value."""
    return {**_bounded(schema), "x-guidance": _SPACING}


def _bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in schema.items() if name in _KEPT}
    for name in _NESTED_LISTS:
        if name in schema:
            kept[name] = [_bounded(part) for part in schema[name]]
    for name in _NESTED_MAPS:
        if name in schema:
            kept[name] = {key: _bounded(part) for key, part in schema[name].items()}
    if isinstance(schema.get("items"), Mapping):
        kept["items"] = _bounded(schema["items"])
    if "enum" in kept or "const" in kept:
        return kept
    types = kept.get("type")
    if types is None and not kept.keys() & {"$ref", *_NESTED_LISTS}:
        types = kept["type"] = "string"
    for kind in [types] if isinstance(types, str) else types or ():
        bound = _BOUNDS.get(kind)
        if bound:
            kept |= bound(schema)
    return kept


def _bound_string(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind, pattern = schema.get("format"), schema.get("pattern")
    if kind in _FORMATS:
        return {"format": kind}
    pattern = pattern or _FORMAT_PATTERNS.get(kind or "")
    length = {"maxLength": max(schema.get("minLength", 0), schema.get("maxLength", TEXT_LENGTH))}
    return {"pattern": pattern, **length} if pattern and _is_known(pattern) else length


def _is_known(pattern: str) -> bool:
    try:
        parts_of(pattern)
    except re.error:
        return False
    return not _UNKNOWN_IN_PATTERN.search(pattern)


def _bound_integer(schema: Mapping[str, Any]) -> dict[str, Any]:
    low, high = _range(schema)
    return {"minimum": math.ceil(low), "maximum": math.floor(high)}


def _bound_number(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Bounds and a step; without a step the digits continue to the token limit."""
    low, high = _range(schema)
    span = high - low
    step = 10.0 ** min(-2, math.floor(math.log10(span)) - 2) if span > 0 else None
    bounds: dict[str, Any] = {"minimum": low, "maximum": high}
    return bounds if "multipleOf" in schema or step is None else {**bounds, "multipleOf": step}


def _range(schema: Mapping[str, Any]) -> tuple[float, float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    usual = usual_range(schema.get("description", ""))
    if low is None and high is None and usual is not None:
        return usual
    if low is None:
        low = 0 if high is None or high > 0 else high - LARGE
    if high is None:
        high = max(low, 0) + LARGE
    return low, high


def _bound_array(schema: Mapping[str, Any]) -> dict[str, Any]:
    items = {} if "items" in schema or "prefixItems" in schema else {"items": _bounded({})}
    return {"maxItems": schema.get("maxItems", max(schema.get("minItems", 0), LIST_LENGTH))} | items


def _bound_object(schema: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("additionalProperties"), Mapping):
        return {"additionalProperties": _bounded(schema["additionalProperties"])}
    return {"additionalProperties": False}


_BOUNDS = {
    "string": _bound_string,
    "integer": _bound_integer,
    "number": _bound_number,
    "array": _bound_array,
    "object": _bound_object,
}
