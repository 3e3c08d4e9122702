"""JSON Schema as strict endpoints take it, and replies as the caller's schema wants them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from fabula.llm.json_schema.dialect import shape, with_folded
from fabula.llm.json_schema.samples import make_value
from fabula.llm.json_schema.validation import compile_schema

STRING = {"type": "string"}
REFUSED_WORDS = frozenset(
    ("oneOf", "allOf", "not", "if", "then", "else", "default", "minLength", "maxLength")
) | {"uniqueItems", "patternProperties", "examples", "definitions", "prefixItems"}


class Kind(Enum):
    CASH = "cash"
    CARD = "card"


class Item(BaseModel):
    sku: str = Field(pattern="^[A-Z]{3}$", min_length=3, max_length=3)
    price: float = Field(ge=0, multiple_of=0.01)
    note: str | None = None


class Order(BaseModel):
    kind: Kind
    items: list[Item] = Field(min_length=1, description="what was bought")
    ship_to: Item | str | None = None
    tags: list[list[str]] = []
    place: tuple[float, float, str] = (0.0, 0.0, "")
    state: Literal["open", "done"] = "open"
    parent: Order | None = None


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema; property names are not taken for keywords."""
    if isinstance(schema, list):
        for item in schema:
            yield from objects(item)
    elif isinstance(schema, dict):
        yield schema
        for word, value in schema.items():
            if word in ("properties", "$defs"):
                for item in value.values():
                    yield from objects(item)
            elif word in ("anyOf", "items", "additionalProperties"):
                yield from objects(value)


def test_every_object_of_a_strict_schema_is_closed_and_complete() -> None:
    """Nested models, unions, references, recursion, lists of lists."""
    shaped = shape(Order.model_json_schema(), "strict")
    assert shaped.strict
    for inner in objects(shaped.schema):
        assert not REFUSED_WORDS & inner.keys()
        if inner.get("type") == "object":
            assert inner["additionalProperties"] is False
            assert inner["required"] == list(inner["properties"])
        if "$ref" in inner:
            assert inner.keys() <= {"$ref", "$defs"}
            assert inner["$ref"].removeprefix("#/$defs/") in shaped.schema["$defs"]


def test_made_up_replies_to_a_strict_schema_are_valid() -> None:
    """What was folded into descriptions and what became nullable is honoured."""
    shaped = shape(Order.model_json_schema(), "strict")
    for seed in range(50):
        made = make_value(random.Random(seed), shaped.schema)
        Order.model_validate_json(shaped.restore(json.dumps(made)))


def test_what_a_strict_schema_cannot_say_is_said_in_words() -> None:
    """No constraint is lost on the way to the model."""
    shaped = shape(
        {
            "type": "object",
            "properties": {"code": {**STRING, "minLength": 3, "maxLength": 5, "description": "a"}},
            "required": ["code"],
        },
        "strict",
    )
    code = shaped.schema["properties"]["code"]
    assert code["description"].startswith("a [must hold: ")
    assert "minLength" not in code
    assert {"minLength": 3, "maxLength": 5}.items() <= with_folded(code).items()


def test_a_plain_endpoint_gets_the_schema_as_it_is() -> None:
    """Servers that read the whole of JSON Schema keep every constraint."""
    schema = Item.model_json_schema()
    shaped = shape(schema, "plain")
    assert shaped.schema == schema
    assert shaped.restore('{"note": null}') == '{"note": null}'


@pytest.mark.parametrize(
    ("schema", "sent", "given"),
    [
        ({"type": "array", "items": STRING}, '{"value": ["a"]}', ["a"]),
        ({"enum": ["x", "y"]}, '{"value": "x"}', "x"),
        ({"type": "integer"}, '{"value": 3}', 3),
        ({"anyOf": [STRING, {"type": "null"}]}, '{"value": null}', None),
        ({"type": "array", "items": STRING}, '["a"]', ["a"]),
    ],
)
@pytest.mark.parametrize("dialect", ["strict", "plain"])
def test_a_root_that_is_no_object_is_wrapped(
    schema: dict[str, Any], sent: str, given: Any, dialect: Literal["strict", "plain"]
) -> None:
    """Tools and strict modes want an object; the caller does not see it."""
    shaped = shape(schema, dialect)
    assert shaped.schema["type"] == "object"
    assert json.loads(shaped.restore(sent)) == given


def test_a_root_reference_becomes_an_object() -> None:
    """A recursive model's schema is only a reference at its root."""

    class Node(BaseModel):
        name: str
        children: list[Node] = []

    schema = Node.model_json_schema()
    assert "$ref" in schema
    shaped = shape(schema, "strict")
    assert shaped.schema["type"] == "object"
    assert not shaped.wrapped
    text = '{"name": "a", "children": [{"name": "b", "children": null}]}'
    restored = shaped.restore(text)
    assert Node.model_validate_json(restored).children[0].name == "b"


def test_nulls_of_optional_values_are_taken_out_and_others_kept() -> None:
    """Optional → nullable → optional, also in lists, unions and references."""
    text = json.dumps(
        {
            "kind": "cash",
            "items": [{"sku": "ABC", "price": 1, "note": None}],
            "ship_to": {"sku": "ABC", "price": 2, "note": None},
            "tags": None,
            "state": None,
            "parent": None,
        }
    )
    order = Order.model_validate_json(shape(Order.model_json_schema(), "strict").restore(text))
    assert order.state == "open"
    assert order.tags == []
    assert order.parent is None
    assert isinstance(order.ship_to, Item)


@pytest.mark.parametrize("text", ["", "no JSON", '{"value": [1, ', "null", "[]", '"x"'])
def test_text_that_is_no_whole_reply_is_left_to_the_parser(text: str) -> None:
    """Cut and odd replies pass through."""
    for schema in ({"type": "array", "items": STRING}, Order.model_json_schema()):
        restored = shape(schema, "strict").restore(text)
        assert restored == text or json.loads(restored) == json.loads(text)


def test_open_objects_are_not_called_strict() -> None:
    """A map of free keys is outside the strict subset."""
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    shaped = shape(schema, "strict")
    assert not shaped.strict
    assert shaped.schema["additionalProperties"] == {"type": "integer"}


def test_combined_schemas_are_merged() -> None:
    """`allOf` and `oneOf` do not exist in the strict subset."""
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
            {"properties": {"b": {"oneOf": [STRING, {"type": "integer"}]}}, "required": ["b"]},
        ]
    }
    shaped = shape(schema, "strict")
    assert shaped.schema["required"] == ["a", "b"]
    assert shaped.schema["properties"]["b"] == {"anyOf": [STRING, {"type": "integer"}]}


def any_schema(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    """A schema of any kind, nested up to three levels."""
    kinds = ["string", "integer", "enum"]
    kind = rng.choice(kinds if depth == 3 else [*kinds, "array", "object", "anyOf", "$ref"])
    low = rng.randint(0, 9)
    if kind == "array":
        return {"type": kind, "items": any_schema(rng, depth + 1), "minItems": low % 3}
    if kind == "object":
        inner = {name: any_schema(rng, depth + 1) for name in rng.sample("abcdef", 3)}
        return {"type": kind, "properties": inner, "required": rng.sample(list(inner), low % 4)}
    if kind == "anyOf":
        return {kind: [any_schema(rng, depth + 1), any_schema(rng, depth + 1), {"type": "null"}]}
    return {
        "string": {"type": kind, "minLength": low, "maxLength": low + 5},
        "integer": {"type": kind, "minimum": low, "exclusiveMaximum": low + 2},
        "enum": {"enum": rng.sample(["a", 1, None, "b c"], 2)},
        "$ref": {"$ref": "#/$defs/Item"},
    }[kind]


@pytest.mark.parametrize("dialect", ["strict", "plain"])
def test_what_fits_the_schema_that_is_sent_fits_the_schema_that_was_asked(
    dialect: Literal["strict", "plain"],
) -> None:
    """Three hundred schemas, made-up replies to each."""
    for seed in range(300):
        rng = random.Random(seed)
        definitions = {"Item": {"type": "object", "properties": {"z": STRING, "o": STRING}}}
        schema = {**any_schema(rng), "$defs": definitions}
        shaped = shape(schema, dialect)
        reply = json.dumps(make_value(rng, shaped.schema))
        compile_schema(schema)(json.loads(shaped.restore(reply)))
