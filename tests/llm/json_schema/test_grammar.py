"""Schemas made safe for the embedded engine's grammar."""

from __future__ import annotations

from typing import Any

import pytest

from fabula.llm.json_schema.grammar import bounded


def kept(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in bounded(schema).items() if key != "x-guidance"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, {"type": "string", "maxLength": 160}),
        ({"type": "string", "minLength": 300}, {"minLength": 300, "maxLength": 300}),
        ({"type": "integer"}, {"minimum": 0, "maximum": 1_000_000}),
        ({"type": "integer", "maximum": -5}, {"minimum": -1_000_005, "maximum": -5}),
        ({"type": "number", "minimum": 0, "maximum": 1}, {"multipleOf": 0.01}),
        ({"type": "number", "minimum": 0, "maximum": 0.01}, {"multipleOf": 0.0001}),
        ({"type": "array"}, {"maxItems": 5, "items": {"type": "string", "maxLength": 160}}),
        ({"type": "object", "properties": {}}, {"additionalProperties": False}),
        ({}, {"type": "string"}),
        ({"enum": ["a", 1]}, {"enum": ["a", 1]}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"], "maxLength": 160}),
        ({"$ref": "#/$defs/x"}, {"$ref": "#/$defs/x"}),
    ],
)
def test_every_value_has_a_bound(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected.items() <= kept(schema).items()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "uniqueItems": True},
        {"type": "string", "format": "phone"},
        {"not": {"type": "null"}},
        {"type": "string", "pattern": "(?=a)b"},
        {"type": "string", "pattern": "(?<!a)b"},
        {"type": "string", "pattern": r"(a)\1"},
        {"type": "string", "pattern": "("},
        {"if": {}, "then": {}},
    ],
)
def test_what_the_engine_does_not_know_is_dropped(schema: dict[str, Any]) -> None:
    assert not kept(schema).keys() & {"uniqueItems", "not", "format", "pattern", "if", "then"}


def test_bounds_reach_every_level() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "$defs": {"b": {"type": "array", "items": {"type": "integer"}}},
    }
    made = kept(schema)
    assert made["properties"]["a"]["anyOf"][0]["maxLength"] == 160
    assert made["$defs"]["b"]["items"]["maximum"] == 1_000_000
