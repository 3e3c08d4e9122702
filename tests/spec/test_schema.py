"""The JSON Schema of specs accepts what Fabula accepts, and explains every key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from fabula.io.formats import written_formats
from fabula.kinds import KINDS
from fabula.kinds.checks import CHECKS
from fabula.spec.plain import to_plain
from fabula.spec.reading import read_data
from fabula.spec.schema import attribute_docs, json_schema
from fabula.spec.tables import DatasetSpec
from tests.spec.specs import specs
from tests.templates import TEMPLATES, template

SCHEMA = json_schema(written_formats())
TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def fits(value: Any, schema: Any) -> bool:
    """Whether a JSON value keeps a schema; knows the words that Pydantic's schemas use."""
    if "$ref" in schema:
        return fits(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if isinstance(value, dict) and "properties" in schema:
        extra = schema.get("additionalProperties", True)
        keys = all(
            fits(item, schema["properties"][key]) if key in schema["properties"] else extra
            for key, item in value.items()
        )
    elif isinstance(value, dict):
        extra = schema.get("additionalProperties", {})
        keys = extra is True or all(fits(item, extra) for item in value.values())
    else:
        keys = True
    return (
        keys
        and all(fits(key, schema.get("propertyNames", {})) for key in as_keys(value))
        and ("type" not in schema or has_type(value, schema["type"]))
        and ("const" not in schema or value == schema["const"])
        and ("enum" not in schema or value in schema["enum"])
        and ("anyOf" not in schema or any(fits(value, branch) for branch in schema["anyOf"]))
        and ("oneOf" not in schema or sum(fits(value, branch) for branch in schema["oneOf"]) == 1)
        and all(key in value for key in schema.get("required", ()) if isinstance(value, dict))
        and ("pattern" not in schema or not isinstance(value, str) or matches(schema, value))
        and (
            not isinstance(value, list)
            or "items" not in schema
            or all(fits(item, schema["items"]) for item in value)
        )
    )


def as_keys(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def matches(schema: Any, value: str) -> bool:
    return re.search(schema["pattern"], value) is not None


def has_type(value: Any, wanted: str | list[str]) -> bool:
    if isinstance(wanted, list):
        return any(has_type(value, one) for one in wanted)
    if wanted in ("number", "integer"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (wanted == "number" or float(value).is_integer())
    return isinstance(value, TYPES[wanted])


def as_json(data: Any) -> Any:
    """The values as an editor sees them: dates are text."""
    return json.loads(json.dumps(data, default=str))


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_keep_the_schema(name: str) -> None:
    assert fits(as_json(read_data(template(name))), SCHEMA)


def test_the_demo_keeps_the_schema() -> None:
    demo = Path(__file__).parents[2] / "examples" / "shop.yaml"
    assert fits(as_json(read_data(demo.read_text())), SCHEMA)


@pytest.mark.slow
@settings(max_examples=100)
@given(specs)
def test_every_spec_keeps_the_schema_in_its_short_form(spec: DatasetSpec) -> None:
    assert fits(as_json(to_plain(spec)), SCHEMA)


@settings(max_examples=50)
@given(specs)
def test_every_spec_keeps_the_schema_in_its_full_form(spec: DatasetSpec) -> None:
    full = spec.model_dump(mode="json")
    for table in full["tables"].values():
        del table["name"]
    assert fits(full, SCHEMA)


@pytest.mark.parametrize(
    "column",
    [
        "{kind: chioce}",
        "{kind: normal, mu: 3}",
        "{kind: choice}",
        "{values: [1]}",
        "{kind: key, start: x}",
        "{kind: datetime, start: 2024-01-01, season: {smarch: 1}}",
        "person",
    ],
)
def test_mistakes_break_the_schema(column: str) -> None:
    assert not fits(as_json(read_data(f"tables: {{t: {{columns: {{a: {column}}}}}}}")), SCHEMA)


@pytest.mark.parametrize("cls", [*KINDS.values(), *CHECKS.values()])
def test_every_kind_says_what_it_is_and_what_columns_share(cls: type) -> None:
    definition = SCHEMA["$defs"][cls.__name__]
    assert definition["description"]
    assert "Attributes:" not in definition["description"]
    assert "kind" in definition["required"]
    docs = attribute_docs(cls)
    assert {"nulls", "unique", "drop", "description"} <= set(docs) or "repair" in docs


def test_the_formats_of_outputs_are_listed() -> None:
    listed = SCHEMA["$defs"]["OutputSpec"]["properties"]["format"]["enum"]
    assert {"parquet", "csv", "chat-jsonl", "preference"} <= set(listed)
