"""Rows that a JSON Schema or an OpenAPI document asks for are valid against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_schema_validator import OAS30Validator, OAS31Validator, oas30_format_checker

import fabula as fb
from fabula.errors import SourceError
from fabula.inference.infer import infer
from fabula.inference.schemas.schema import InferredSchema

SCALARS: Mapping[str, Any] = {
    "id": {"type": "integer", "minimum": 1},
    "status": {"enum": ["new", "paid", "shipped"]},
    "level": {"enum": [1, 2, 3]},
    "mixed": {"enum": [1, "two", "three", None]},
    "fixed": {"const": "x"},
    "nothing": {"type": "null"},
    "sku": {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
    "part": {"type": "string", "pattern": "[0-9]{2}", "minLength": 4},
    "either": {"type": "string", "pattern": "^(a|b)$|^c{3}$"},
    "price": {"type": "number", "exclusiveMinimum": 0, "maximum": 10, "multipleOf": 0.05},
    "cents": {"type": "number", "minimum": 1, "maximum": 90, "multipleOf": 0.01},
    "tens": {"type": "number", "multipleOf": 10},
    "eggs": {"type": "integer", "multipleOf": 6, "exclusiveMinimum": 6, "exclusiveMaximum": 60},
    "below": {"type": "integer", "exclusiveMaximum": 0},
    "tiny": {"type": "number", "minimum": 0.0001, "maximum": 0.0009},
    "uneven": {"type": "number", "minimum": 0.125, "maximum": 0.375},
    "far": {"type": "number", "minimum": 1e6},
    "either_number": {"type": ["integer", "number", "null"], "minimum": 3},
    "code": {"type": "string", "minLength": 12, "maxLength": 12},
    "name": {"type": "string", "maxLength": 20},
    "short": {"type": "string", "maxLength": 2},
    "mail": {"type": ["string", "null"], "format": "email", "maxLength": 30},
    "flag": {"type": "boolean"},
    "yes": {"const": True},
    "anything": {},
    "true": True,
    "odd name, \"quoted\"": {"type": "integer"},
    "$id": {"type": "string"},
    **{
        name: {"type": "string", "format": name}
        for name in (
            "date", "date-time", "time", "duration", "email", "idn-email", "hostname", "ipv4",
            "ipv6", "uri", "uri-reference", "iri", "uuid", "json-pointer", "regex",
            "relative-json-pointer", "uri-template",
        )
    },
}  # fmt: skip
NESTED: Mapping[str, Any] = {
    "address": {"$ref": "#/definitions/address"},
    "more": {"allOf": [{"$ref": "#/definitions/address"}, {"required": ["zip"]}]},
    "maybe": {"anyOf": [{"type": "null"}, {"$ref": "#/definitions/address"}]},
    "deep": {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": {"type": ["integer", "null"]}}}},
    },
    "lines": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["quantity"],
            "properties": {
                "quantity": {"type": "integer", "minimum": 1, "maximum": 9},
                "sizes": {"type": "array", "items": {"type": "number"}, "maxItems": 2},
            },
            "additionalProperties": False,
        },
    },
    "long": {"type": "array", "minItems": 20, "items": {"type": "integer"}},
    "pair": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "empty": {"type": "array", "maxItems": 0},
    "tags": {"type": "array", "uniqueItems": True, "minItems": 2, "items": {"enum": list("abc")}},
    "flags": {"type": "array", "uniqueItems": True, "items": {"type": "boolean"}},
    "words": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
    "has": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 500}},
    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    "patterned": {
        "type": "object",
        "patternProperties": {"^x-[a-z]{3}$": {"type": "string"}},
        "additionalProperties": False,
    },
    "open": {"type": "object"},
    "exact": {"const": {"a": 1, "b": ["x", "y"]}},
    "form": {
        "oneOf": [
            {
                "type": "object",
                "required": ["a"],
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            },
            {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}},
        ]
    },
    "text_or_number": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "number"}]},
    "verdict": {"oneOf": [{"const": "good"}, {"enum": ["bad", "unsure"]}]},
    "tree": {"$ref": "#/definitions/tree"},
}


def drafted(document: Mapping[str, Any], folder: Path) -> InferredSchema:
    path = folder / "made.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    found = infer(path)
    assert isinstance(found, InferredSchema)
    return found


def rows_of(found: InferredSchema, folder: Path, n: Any = 60) -> dict[str, list[Any]]:
    sized = {name: n for name, table in found.spec.tables.items() if table.n is not None}
    fb.generate(found.spec, n=sized, seed=5, output=folder / "out", format="jsonl")
    texts = {name: (folder / "out" / f"{name}.jsonl").read_text() for name in found.spec.tables}
    return {name: [json.loads(line) for line in text.splitlines()] for name, text in texts.items()}


def problems(validator: Any, rows: list[Any]) -> list[str]:
    return [
        f"{error.json_path}: {error.message}"
        for row in rows
        for error in validator.iter_errors(row)
    ]


@pytest.mark.parametrize("draft", [Draft7Validator, Draft202012Validator])
@pytest.mark.parametrize("properties", [SCALARS, NESTED], ids=["scalars", "nested"])
def test_every_row_is_valid_against_its_schema(
    draft: Any, properties: Mapping[str, Any], tmp_path: Path
) -> None:
    schema = {
        "$schema": draft.META_SCHEMA["$schema"],
        "title": "thing",
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
        "definitions": {
            "address": {
                "type": "object",
                "required": ["city"],
                "properties": {"city": {"type": "string"}, "zip": {"pattern": "^[0-9]{5}$"}},
            },
            "tree": {
                "type": "object",
                "required": ["name", "parent"],
                "properties": {
                    "name": {"type": "string"},
                    "parent": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/tree"}]},
                    "children": {"type": "array", "items": {"$ref": "#/definitions/tree"}},
                },
            },
        },
    }
    draft.check_schema(schema)
    found = drafted(schema, tmp_path)
    rows = rows_of(found, tmp_path)["thing"]
    assert len(rows) == 60
    assert not problems(draft(schema, format_checker=draft.FORMAT_CHECKER), rows)
    for name in {"sku", "lines"} & set(properties):
        assert len({str(row[name]) for row in rows}) > 1


def test_what_a_row_may_break_is_named_with_its_place(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "not": {"const": "x"}},
            "b": {"type": "string", "pattern": "^(?=.*[0-9])[a-z0-9]+$"},
            "c": {"type": ["string", "integer"]},
            "d": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "e": {"type": "string", "format": "galaxy"},
            "f": {"type": "object", "properties": {"g": {"if": {"const": 1}}}},
        },
    }
    notes = " · ".join(drafted(schema, tmp_path).notes)
    for told in (
        "made.a: `not` is not kept",
        "made.b: `pattern` is not kept: look-around",
        "made.c: of the types string, integer the first is kept",
        "made.d: of 2 forms (`oneOf`) the first is kept",
        "made.e: the format `galaxy` is not known",
        "made.f.g: `if` is not kept",
    ):
        assert told in notes


def test_a_reference_leads_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "money.json").write_text(
        '{"$defs": {"euro": {"type": "object", "required": ["cents"], "properties":'
        ' {"cents": {"$ref": "#/$defs/whole"}}}, "whole": {"type": "integer", "minimum": 7}}}',
        encoding="utf-8",
    )
    found = drafted(
        {"type": "object", "properties": {"paid": {"$ref": "parts/money.json#/$defs/euro"}}},
        tmp_path,
    )
    rows = rows_of(found, tmp_path)["made"]
    assert min(row["paid"]["cents"] for row in rows) >= 7


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"$ref": "#/$defs/gone"}, "source.reference"),
        ({"$ref": "https://example.org/a.json"}, "source.reference"),
        ({"$ref": "gone.json#/a"}, "source.unreadable"),
        ({"$ref": "#/properties/a"}, "source.circle"),
    ],
)
def test_a_reference_that_leads_nowhere_is_an_error(
    schema: Mapping[str, Any], code: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as caught:
        drafted({"type": "object", "properties": {"a": schema}}, tmp_path)
    assert caught.value.code == code


def test_an_object_that_must_hold_its_own_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="never ends"):
        drafted({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}, tmp_path)


def test_data_in_json_is_still_data(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"type": "object", "n": 1}, {"type": "array", "n": 2}]', encoding="utf-8")
    assert list(infer(path).spec.tables) == ["rows"]


OPENAPI: Mapping[str, Any] = {
    "Id": {"type": "integer", "format": "int64", "minimum": 1},
    "Address": {
        "type": "object",
        "required": ["street"],
        "properties": {"street": {"type": "string", "maxLength": 80}},
    },
    "Customer": {
        "type": "object",
        "description": "A person who buys.",
        "required": ["id", "email"],
        "properties": {
            "id": {"$ref": "#/components/schemas/Id"},
            "email": {"type": "string", "format": "email"},
            "address": {"$ref": "#/components/schemas/Address"},
            "orders": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
        },
    },
    "Line": {
        "type": "object",
        "required": ["customerId"],
        "properties": {"customerId": {"type": "integer", "format": "int64", "minimum": 1}},
    },
    "Order": {
        "type": "object",
        "required": ["id", "lines"],
        "properties": {
            "id": {"$ref": "#/components/schemas/Id"},
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
            "payment": {
                "oneOf": [
                    {"$ref": "#/components/schemas/Card"},
                    {"$ref": "#/components/schemas/Transfer"},
                ],
                "discriminator": {"propertyName": "kind"},
            },
        },
    },
    "Payment": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string"}},
        "discriminator": {"propertyName": "kind"},
    },
    "Card": {
        "allOf": [
            {"$ref": "#/components/schemas/Payment"},
            {
                "type": "object",
                "required": ["number"],
                "properties": {"number": {"type": "string"}},
            },
        ]
    },
    "Transfer": {
        "allOf": [
            {"$ref": "#/components/schemas/Payment"},
            {"type": "object", "required": ["iban"], "properties": {"iban": {"type": "string"}}},
        ]
    },
    "Review": {
        "type": "object",
        "required": ["id", "customerId"],
        "properties": {
            "id": {"$ref": "#/components/schemas/Id"},
            "customerId": {"$ref": "#/components/schemas/Id"},
            "customer": {"allOf": [{"$ref": "#/components/schemas/Customer"}]},
        },
    },
}


@pytest.mark.parametrize(
    ("version", "validator"), [("3.0.3", OAS30Validator), ("3.1.0", OAS31Validator)]
)
def test_the_objects_of_an_openapi_document_are_tables_of_valid_rows(
    version: str, validator: Any, tmp_path: Path
) -> None:
    document = {
        "openapi": version,
        "info": {"title": "shop", "version": "1"},
        "paths": {},
        "components": {"schemas": OPENAPI},
    }
    found = drafted(document, tmp_path)
    tables = rows_of(found, tmp_path, 20)
    assert set(tables) == set(OPENAPI) - {"Id"}
    for name, rows in tables.items():
        schema = {**document, "$ref": f"#/components/schemas/{name}"}
        assert rows
        assert not problems(validator(schema, format_checker=oas30_format_checker), rows)
    assert found.spec.tables["Customer"].prompt == "A person who buys."
    customers = {row["id"]: row for row in tables["Customer"]}
    assert all(row["customerId"] in customers for row in tables["Review"])
    assert all(customers[row["customer"]["id"]] == row["customer"] for row in tables["Review"])
    assert all(row["kind"] == "Card" for row in tables["Card"])
    assert all(row["payment"]["kind"] == "Card" for row in tables["Order"])


def test_nullable_properties_of_openapi_3_0_may_be_null(tmp_path: Path) -> None:
    person = {"type": "object", "properties": {"phone": {"type": "string", "nullable": True}}}
    found = drafted({"openapi": "3.0.3", "components": {"schemas": {"Person": person}}}, tmp_path)
    phones = [row["phone"] for row in rows_of(found, tmp_path)["Person"]]
    assert None in phones
    assert any(phones)
