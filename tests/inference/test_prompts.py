"""Sentences that list columns, and everything that is no such sentence."""

from __future__ import annotations

from typing import Any

import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.inference.check_shorthand import with_checks
from fabula.inference.prompts import is_prompt, spec_from_prompt

COOKBOOK = """\
Create a CSV file with 10 rows of housing data.
Each row should include the following fields:
 - id (incrementing integer starting at 1)
 - house size (m^2)
 - house price
 - location
 - number of bedrooms

Make sure that the numbers make sense. Also only respond with the CSV.
"""


def columns(text: str) -> dict[str, Any]:
    """The columns that a sentence asks for: a type where the model fills them, else the kind."""
    (table,) = spec_from_prompt(text).tables.values()
    return {name: getattr(item, "type", item.kind) for name, item in table.columns.items()}


def test_lines_with_dashes_are_columns() -> None:
    """Units stay in names, hints leave them, orders about the form stay out of the prompt."""
    (table,) = spec_from_prompt(COOKBOOK).tables.values()
    assert columns(COOKBOOK) == {
        "id": "key",
        "house size (m^2)": "float",
        "house price": "float",
        "location": "str",
        "number of bedrooms": "int",
    }
    assert (table.n, table.name) == (10, "housing_data")
    assert table.prompt == "housing data. Make sure that the numbers make sense"


def test_types_follow_names_units_and_descriptions() -> None:
    text = (
        "customers: customer id (incrementing from 1000), birth date, status (new/paid), is vip, "
        "balance (EUR), age (18-90), tier (one of gold, silver or bronze), share (%), visits, "
        "joined (date), phone number, and city"
    )
    assert columns(text) == {
        "customer id": "key",
        "birth date": "date",
        "status": ("new", "paid"),
        "is vip": "bool",
        "balance (EUR)": "float",
        "age": "int",
        "tier": ("gold", "silver", "bronze"),
        "share (%)": "float",
        "visits": "int",
        "joined": "date",
        "phone number": "str",
        "city": "str",
    }
    (table,) = spec_from_prompt(text).tables.values()
    assert table.columns["customer id"].start == 1000
    assert (table.columns["age"].min, table.columns["age"].max) == (18, 90)


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("1,000 customers of a bank: name", 1000),
        ("give me 25 random but realistic data points of shops: name", 25),
        ("results of the 2024 elections: party", None),
        ("2024 elections: party", None),
        ("products: name", None),
    ],
)
def test_the_count_is_found(text: str, n: int | None) -> None:
    (table,) = spec_from_prompt(text).tables.values()
    assert table.n == n


@pytest.mark.parametrize(
    "line",
    [
        "name person.name, age int 18..90",
        "plan choice free:3|pro:1, id key",
        'note llm "two words: three", id key',
        "age itn 18..90",
        "weight normal 70 12 decimals=1",
        "x template text='{{ a }}: b'",
        "",
    ],
)
def test_one_line_specs_are_no_sentences(line: str) -> None:
    assert not is_prompt(line)


def test_a_column_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="lists `name` twice"):
        spec_from_prompt("things: name, price, name")


def test_declared_relations_find_their_columns() -> None:
    """Parts of names do; what is unclear or unknown is told."""
    spec = fb.resolve(COOKBOOK)
    checks = ["size ~ bedrooms +", "house price ~ size + 0.8", "price ~ bedrooms -", "id > 0"]
    (table,) = with_checks(spec, checks).tables.values()
    found = [check.model_dump(exclude_none=True) for check in table.checks]
    assert found[0]["columns"] == ("house size (m^2)", "number of bedrooms")
    assert [item.get("at_least") for item in found] == [0.3, 0.8, None, None]
    assert (found[2]["at_most"], found[3]["sql"]) == (-0.3, "id > 0")
    with pytest.raises(UsageError, match="more than one column"):
        with_checks(spec, ["house ~ bedrooms +"])
    with pytest.raises(UsageError, match="no column `rooms"):
        with_checks(spec, ["price ~ rooms and floors +"])


def test_the_yaml_of_a_spec_is_a_spec_and_no_sentence() -> None:
    text = (
        "# houses\nfabula: 1\nname: homes\ntables:\n  houses: {n: 3, columns: {id: {kind: key}}}\n"
    )
    assert list(fb.resolve(text).tables) == ["houses"]
