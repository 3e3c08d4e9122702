"""One form of a schema that allows several, its type, and whether the value may be null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fabula.schemas.documents import Documents, reference_of

_SIGNS = {
    "properties": "object", "additionalProperties": "object", "patternProperties": "object",
    "required": "object", "minProperties": "object",
    "items": "array", "prefixItems": "array", "minItems": "array", "contains": "array",
    "pattern": "string", "format": "string", "minLength": "string", "maxLength": "string",
    "minimum": "number", "maximum": "number", "multipleOf": "number",
    "exclusiveMinimum": "number", "exclusiveMaximum": "number",
}  # fmt: skip
"""Words that are of use for values of one type; they tell it where no type is given."""
_TYPES = {
    bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array",
    type(None): "null",
}  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """A schema without references and alternatives.

    Attributes:
        schema: Its words.
        type: The type of its values.
        nullable: Whether null is allowed, too.
        ref: The reference that it came by.
    """

    schema: Mapping[str, Any]
    type: str
    nullable: bool
    ref: str | None


def settled(documents: Documents, schema: Any, place: str, notes: list[str]) -> Settled:
    """One form of a schema; other forms are named.

    Args:
        documents: Follows references.
        schema: The schema.
        place: Where it stands, for notes.
        notes: What is not kept is added.
    """
    ref = _reference(schema)
    flat, nulls = documents.flat(schema), False
    for word in ("oneOf", "anyOf"):
        while word in flat:
            flat, chosen, null = _branch(documents, flat, word, place, notes)
            ref, nulls = ref or _reference(chosen), nulls or null
    types = flat.get("type")
    listed = types if isinstance(types, list) else [types] if isinstance(types, str) else []
    nulls = nulls or "null" in listed
    kinds = [kind for kind in listed if kind != "null"]
    if "number" in kinds:
        kinds = [kind for kind in kinds if kind != "integer"]
    if len(kinds) > 1:
        notes.append(f"{place}: of the types {', '.join(kinds)} the first is kept")
    values = [flat["const"]] if "const" in flat else flat.get("enum")
    if isinstance(values, list):
        nulls = None in values and (nulls or not listed)
        known = [_TYPES.get(type(value), "string") for value in values if value is not None]
        kinds = known[:1] or ["null"]
    if not kinds:
        signs = (kind for word, kind in _SIGNS.items() if word in flat)
        kinds = ["null"] if listed or (nulls and not flat) else [next(signs, "string")]
    return Settled(flat, kinds[0], nulls and kinds[0] != "null", ref)


def _branch(
    documents: Documents, flat: dict[str, Any], word: str, place: str, notes: list[str]
) -> tuple[dict[str, Any], Any, bool]:
    """A schema with its first alternative, that alternative, and whether null is another."""
    branches = flat[word]
    base = {key: value for key, value in flat.items() if key not in (word, "discriminator")}
    several = [(branch, documents.flat(branch)) for branch in branches]
    others = [(branch, words) for branch, words in several if not _is_null(words)]
    null = len(others) < len(several)
    if not others:
        return {**base, "type": "null"}, None, True
    values = [value for _, words in others for value in _listed(words)]
    if all(_listed(words) for _, words in others):
        return documents.flat({"allOf": [base, {"enum": values}]}), None, null
    fitting = [each for each in others if _agree(base, each[1])] or others
    chosen, words = fitting[0]
    made = documents.flat({"allOf": [base, words]})
    if any(set(words) - {"required", "description", "title"} for _, words in others[1:]):
        notes.append(f"{place}: of {len(others)} forms (`{word}`) the first is kept")
    if word == "oneOf" and isinstance(made.get("properties"), Mapping):
        for _, other in others:  # a row of this form must not be one of another form, too
            asked, needed = set(other.get("required") or ()), set(made.get("required") or ())
            if other is not words and asked <= set(made["properties"]):
                spare = asked - needed
                made["properties"] = {k: v for k, v in made["properties"].items() if k not in spare}
    told, ref = flat.get("discriminator"), _reference(chosen)
    if isinstance(told, Mapping) and "propertyName" in told and ref is not None:
        made = documents.flat({"allOf": [made, discriminated(documents, made, told, ref)]})
    return made, chosen, null


def discriminated(
    documents: Documents, schema: Mapping[str, Any], told: Mapping[str, Any], ref: str
) -> dict[str, Any]:
    """What a discriminator asks of a schema: the property that names it.

    Args:
        documents: Follows references.
        schema: The schema without alternatives.
        told: The discriminator.
        ref: The reference to the schema.
    """
    name = str(told["propertyName"])
    own = documents.flat((schema.get("properties") or {}).get(name))
    called = ref.rpartition("/")[2]
    for value, target in (told.get("mapping") or {}).items():
        if str(target).rpartition("/")[2] == called:
            called = value
    if _listed(own) and called not in _listed(own):
        return {}
    return {"properties": {name: {"const": called, "type": "string"}}, "required": [name]}


def _reference(schema: Any) -> str | None:
    """The reference of a schema, also of `allOf: [{$ref: …}]`, as OpenAPI 3.0 writes it."""
    parts = schema.get("allOf") if isinstance(schema, Mapping) else None
    lone = parts[0] if isinstance(parts, list) and len(parts) == 1 else None
    return reference_of(schema) or reference_of(lone)


def _is_null(words: Mapping[str, Any]) -> bool:
    return words.get("type") in ("null", ["null"]) or _listed(words) == [None]


def _listed(words: Mapping[str, Any]) -> Sequence[Any]:
    """The values that a schema lists."""
    return [words["const"]] if "const" in words else words.get("enum") or []


def _agree(base: Mapping[str, Any], words: Mapping[str, Any]) -> bool:
    """Whether two schemas have a type in common."""
    first, second = base.get("type"), words.get("type")
    if first is None or second is None:
        return True
    ones = set(first if isinstance(first, list) else [first])
    twos = set(second if isinstance(second, list) else [second])
    return bool(ones & twos) or bool({"integer", "number"} & ones and {"integer", "number"} & twos)
