"""Numbers and codes as models write them are read where their meaning is certain."""

from __future__ import annotations

from typing import Any

import pytest

from fabula.llm.json_schema.validation import Invalid, compile_schema
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowField, RowsJob
from fabula.testing import ChatServer
from fabula.testing.replies import says
from tests.llm.builders import Opened


def read(text: Any, about: str = "value", **schema: Any) -> Any:
    return compile_schema({"title": about, "type": "number", **schema})(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$29.99", 29.99),
        ("US$ 5", 5),
        ("12 USD", 12),
        ("-$5.50", -5.5),
        ("1 299,50 €", 1299.5),
        ("1,299.00", 1299.0),
        ("1.299,50", 1299.5),
        ("1'299.50", 1299.5),
        ("1,234,567", 1234567),
        ("1,00,000", 100000),
        ("29,99", 29.99),
        ("0,500", 0.5),
        ("50 m²", 50),
        ("72 kg", 72),
        ("1.250", 1.25),
        ("−3", -3),
        ("1e3", 1000),
    ],
)
def test_a_form_that_means_one_number_is_that_number(text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    "text", ["5k", "2 million", "12%", "3 m", "10-20", "4/5", "about 5", "1,2,3", "5 or 6", "50+"]
)
def test_a_form_that_may_mean_more_or_less_is_no_number(text: str) -> None:
    with pytest.raises(Invalid):
        read(text)


@pytest.mark.parametrize(("text", "kind"), [("1,200", "number"), ("1.000", "integer")])
def test_two_readings_are_told_and_bounds_decide(text: str, kind: str) -> None:
    with pytest.raises(Invalid, match=r"may be 1(\.2)? or 1[02]00; write digits"):
        read(text, type=kind)
    assert read(text, type=kind, minimum=100) >= 1000
    assert read(text, type=kind, maximum=100) < 2


def test_the_type_decides_what_a_comma_before_three_digits_means() -> None:
    assert read("1,200", type="integer") == 1200
    assert read("1,200", "price") == 1200  # money has no tenths of a cent
    with pytest.raises(Invalid, match="not an integer"):
        read("29,99", type="integer")


def test_a_column_has_one_unit() -> None:
    assert read("5 m", "size (m)") == 5
    assert read("12 %", "discount in percent") == 12
    assert read("3 bedrooms", "number of bedrooms", type="integer") == 3
    for text, about in (("5 ft", "size (m)"), ("$3", "price in euros")):
        with pytest.raises(Invalid, match="write the number alone, in "):
            read(text, about)
    check = compile_schema({"title": "length", "type": "number"})
    assert check("180 cm") == 180
    with pytest.raises(Invalid, match="in cm and not in km"):
        check("2 km")


def test_digits_are_a_string_where_a_string_is_wanted() -> None:
    assert read(99203, type="string", pattern="^[0-9]{5}$") == "99203"
    for wrong in (9.5, True):  # 9.50 would have lost its zero
        with pytest.raises(Invalid, match="not a string"):
            read(wrong, type="string")


async def test_numbers_in_replies_are_read_or_asked_again_with_the_reason(opened: Opened) -> None:
    fields = (
        RowField("code", {"type": "string"}),
        RowField("price", {"type": "number"}, "in dollars"),
        RowField("stock", {"type": "integer"}),
    )
    script = [
        says({"code": 99203, "price": "$1,299.00", "stock": "1.000"}),
        says({"code": "99203", "price": "$1,299.00", "stock": "1,000"}),
    ]
    with ChatServer(script) as server:
        result = await ask_rows(opened(server), RowsJob("bills", fields, 1))
    assert result.rows == [{"code": "99203", "price": 1299.0, "stock": 1000}]
    assert "may be 1 or 1000" in server.calls[1].prompt


async def test_a_table_with_semicolons_and_decimal_commas_is_read(opened: Opened) -> None:
    fields = (RowField("name", {"type": "string"}), RowField("price", {"type": "number"}))
    with ChatServer(["name;price\nLampe;29,99 €\nTisch;1.299,00 €\n"]) as server:
        result = await ask_rows(opened(server), RowsJob("Möbel", fields, 2))
    assert result.rows == [{"name": "Lampe", "price": 29.99}, {"name": "Tisch", "price": 1299.0}]
