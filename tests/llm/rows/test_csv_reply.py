"""CSV and Markdown tables as models send them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.llm.rows.csv_reply import read_csv

NAMES = ["Name", "Price", "Inventory"]
CLEAN = "Name,Price,Inventory\nToaster,29.99,150\nKettle,35.5,80\nFan,20,12\n"
ROWS = [
    {"Name": "Toaster", "Price": "29.99", "Inventory": "150"},
    {"Name": "Kettle", "Price": "35.5", "Inventory": "80"},
    {"Name": "Fan", "Price": "20", "Inventory": "12"},
]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CLEAN, id="clean"),
        pytest.param(f"```csv\n{CLEAN}```", id="fenced"),
        pytest.param(CLEAN.replace(",", ", ").replace("\n", "  \n"), id="spaces"),
        pytest.param(f"Here is your data:\n\n{CLEAN}\nLet me know if you need more!", id="prose"),
        pytest.param(f"Sure, here it is:\n```\n{CLEAN}```\nPrices, in dollars, vary.", id="both"),
        pytest.param(CLEAN.replace("\n", "\n\n"), id="blank lines"),
        pytest.param(CLEAN.replace("\n", "\r\n"), id="CRLF"),
        pytest.param("\ufeff" + CLEAN, id="byte-order mark"),
        pytest.param(CLEAN.replace(",", ";"), id="semicolons"),
        pytest.param(CLEAN.replace(",", "\t"), id="tabs"),
        pytest.param(CLEAN.replace("Fan", "Name,Price,Inventory\nFan"), id="repeated header"),
        pytest.param(CLEAN.replace("\n", ",\n"), id="trailing separators"),
        pytest.param(
            "| Name | Price | Inventory |\n|---|--:|:-:|\n| Toaster | 29.99 | 150 |\n"
            "| Kettle | 35.5 | 80 |\n| Fan | 20 | 12 |",
            id="markdown table",
        ),
        pytest.param(
            "| **Name** | Price | Inventory |\n|---|---|---|\n| **Toaster** | 29.99 | 150 |\n"
            "| `Kettle` | 35.5 | 80 |\n| Fan | __20__ | 12 |",
            id="markdown table with emphasis",
        ),
        pytest.param('"Name","Price","Inventory"\n' + CLEAN.partition("\n")[2], id="quoted header"),
    ],
)
def test_the_same_rows_come_out_of_every_dress(text: str) -> None:
    reply = read_csv(text, NAMES)
    assert reply.rows == ROWS
    assert not reply.bad
    assert not reply.problem


def test_a_silent_shift_is_flagged_and_never_shifted() -> None:
    reply = read_csv("id,price\n1,250,000\n2,300,000", ["id", "price"])
    assert reply.rows == []
    assert [str(bad) for bad in reply.bad] == [
        "line 2: 3 values for 2 columns",
        "line 3: 3 values for 2 columns",
    ]
    assert reply.bad[0].text == "1,250,000"


def test_only_bad_rows_are_rejected_with_line_and_text() -> None:
    text = (
        "Name,Price,Inventory\n"
        "Toaster,29.99\n"
        '"Kettle, electric",35.5,80\n'
        '12" pan,20,3\n'
        '"Grill "de luxe"",99,1\n'
        '"Two\nlines",1,2\n'
        '"Bag ""XL""",5,6\n'
        "Fan,20,12,9\n"
        '"Open,20,12\n'
        "Mug,7,40\n"
    )
    reply = read_csv(text, NAMES)
    names = [row["Name"] for row in reply.rows]
    assert names == ["Kettle, electric", '12" pan', "Two\nlines", 'Bag "XL"', "Mug"]
    assert [(bad.line, bad.text) for bad in reply.bad] == [
        (2, "Toaster,29.99"),
        (5, '"Grill "de luxe"",99,1'),
        (9, "Fan,20,12,9"),
        (10, '"Open,20,12'),
    ]


def test_headers_map_by_name_and_never_by_place() -> None:
    text = "Price,HOUSE SIZE (m^2),Garden\n100,80,yes\n"
    reply = read_csv(text, ["house_size_m2", "price", "rooms"])
    assert reply.rows == [{"price": "100", "house_size_m2": "80"}]
    assert reply.missing == ["rooms"]
    assert reply.extra == ["Garden"]


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    reply = read_csv("Name,name,Price\na,b,1", ["Name", "Price"])
    assert reply.problem == "the header names `Name` twice"


@pytest.mark.parametrize("text", ["", "I cannot help with that.", "Toaster,29.99,150", "no\ntable"])
def test_a_reply_without_a_header_is_a_named_problem(text: str) -> None:
    reply = read_csv(text, NAMES)
    assert reply.problem == "the reply has no header with the requested columns"
    assert not reply.rows


def test_a_header_alone_is_a_named_problem() -> None:
    assert read_csv("Name,Price,Inventory\n", NAMES).problem == (
        "the reply has a header and no rows"
    )


def test_a_row_cut_in_its_last_field_is_dropped() -> None:
    reply = read_csv("Name,Price,Inventory\nToaster,29.99,150\nKettle,35.5,8", NAMES, cut=True)
    assert reply.rows == ROWS[:1]


CELLS = st.text(st.characters(exclude_characters="\r\x00"), max_size=9).map(str.strip)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_whatever_is_written_as_csv_is_read_back(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("alpha", "beta"), *rows])
    reply = read_csv(file.getvalue(), ["alpha", "beta"])
    expected = [
        {"alpha": first or None, "beta": second or None}
        for first, second in rows
        if (first, second) != ("alpha", "beta")
    ]
    assert reply.rows == expected
    assert not reply.bad


@given(st.text(alphabet=st.sampled_from('ab,;|"\n\t `-\r'), max_size=80))
def test_no_text_makes_the_reader_raise_or_invent_rows(text: str) -> None:
    reply = read_csv(f"a,b\n{text}", ["a", "b"])
    assert len(reply.rows) + len(reply.bad) <= text.count("\n") + text.count("\r") + 1
    written = text.replace("\r", "\n")
    for row in reply.rows:
        for cell in row.values():
            assert cell is None or '"' in written or cell in written
