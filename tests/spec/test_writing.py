"""Specs written as YAML and JSON read back as the same spec."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings

from fabula.spec import col
from fabula.spec.loading import build_spec, parse_spec
from fabula.spec.plain import to_plain
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.spec.writing import to_yaml
from tests.spec.specs import specs
from tests.templates import TEMPLATES, template

SHOP = Path(__file__).parents[2] / "examples" / "shop.yaml"


@pytest.mark.slow
@settings(max_examples=150)
@given(specs)
def test_yaml_reads_back_as_the_same_spec(spec: DatasetSpec) -> None:
    assert parse_spec(to_yaml(spec)) == spec


@pytest.mark.slow
@settings(max_examples=100)
@given(specs)
def test_the_plain_values_build_the_same_spec(spec: DatasetSpec) -> None:
    assert build_spec(to_plain(spec)) == spec


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_survives_yaml_and_json(name: str) -> None:
    spec = parse_spec(template(name))
    assert parse_spec(spec.to_yaml()) == spec
    assert parse_spec(spec.to_json()) == spec


@pytest.mark.parametrize("day", [dt.date(2024, 5, 1), dt.datetime(2024, 5, 1, 10, 30)])
def test_dates_and_times_survive_json(day: dt.date) -> None:
    columns = {"a": col.datetime(day, within="3d"), "b": col.sequence(day, "1d")}
    spec = DatasetSpec(tables={"t": TableSpec("t", columns=columns)})
    assert parse_spec(spec.to_json()) == spec
    assert DatasetSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_written_spec_looks_as_one_would_write_it() -> None:
    text = to_yaml(parse_spec(SHOP.read_text()))
    assert text.startswith("# yaml-language-server: $schema=./fabula.schema.json\nfabula: 1\n")
    assert "      category: {kind: choice, values: {dress: 3, shoes: 2, bag: 1}}\n" in text
    assert (
        "      price:    {kind: lognormal, median: 60, sigma: 0.5, min: 5, decimals: 2}\n" in text
    )
    assert '      - {kind: row, sql: "total > 0"}\n' in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_numbers_keep_their_type_where_it_matters() -> None:
    table = TableSpec("t", columns={"a": col.sequence(1.0, 1.0), "b": col.choice([1, 1.0, True])})
    back = parse_spec(to_yaml(DatasetSpec(tables={"t": table}))).tables["t"].columns
    assert isinstance(back["a"].start, float)
    assert [type(value) for value in back["b"].values] == [int, float, bool]


def test_remarks_stand_behind_their_line() -> None:
    spec = DatasetSpec(tables={"t": TableSpec(columns={"age": col.uniform(0, 9)})})
    text = to_yaml(spec, notes={"tables.t.columns.age": "named `age`"})
    assert "age: {kind: uniform, min: 0, max: 9}  # named `age`\n" in text
    assert parse_spec(text) == spec


def test_several_lines_of_prompt_stay_several_lines() -> None:
    table = TableSpec("t", prompt="One.\nTwo.\n", columns={"a": col.text("Say:\n  {{ b }}")})
    text = to_yaml(DatasetSpec(tables={"t": table}))
    assert "    prompt: |\n      One.\n      Two.\n" in text
    assert "        prompt: |-\n          Say:\n            {{ b }}\n" in text
    assert parse_spec(text).tables["t"] == table
