"""Several tables in one text, with their links."""

from __future__ import annotations

from fabula.inference.prompt_tables import tables_from_prompt
from fabula.kinds.reference import Reference

LISTED = """Write a program for three related tables. Larger houses cost more.
1. Housing (100 rows)
 - id (incrementing)
 - price
 - location id (foreign key to Location)
 - type id
2. Location
 - id
 - city
3. Type (4 rows)
 - id
 - name
"""


def test_tables_are_read_with_rows_columns_and_links():
    """Names, sizes and foreign keys come from the text."""
    spec = tables_from_prompt(LISTED)
    assert {name: table.n for name, table in spec.tables.items()} == {
        "housing": 100,
        "location": None,
        "type": 4,
    }
    columns = spec.tables["housing"].columns
    assert list(columns) == ["id", "price", "location id", "type id"]
    links = {name: kind.to for name, kind in columns.items() if isinstance(kind, Reference)}
    assert links == {"location id": "location", "type id": "type"}


def test_tables_on_one_line_each():
    """The short form."""
    spec = tables_from_prompt("customers: id, name\norders: id, customer_id, total")
    assert list(spec.tables) == ["customers", "orders"]
    assert isinstance(spec.tables["orders"].columns["customer_id"], Reference)


def test_one_table_is_left_to_the_other_reader():
    """A sentence about one table is none of these."""
    assert tables_from_prompt("10 rows of houses: id, price") is None
    assert tables_from_prompt("an online shop") is None


def test_a_text_without_a_word_lists_nothing():
    assert tables_from_prompt("") is tables_from_prompt(" \n ") is None
