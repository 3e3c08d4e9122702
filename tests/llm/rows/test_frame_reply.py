"""Frames in JSON, by rows and by columns."""

from __future__ import annotations

from typing import Any

import pytest

from fabula.llm.rows.frame_reply import read_frame
from fabula.llm.rows.job import RowField
from fabula.llm.rows.row_check import compile_fields

NAMES = ["Name", "Price", "Inventory"]
CHECK = compile_fields(
    (
        RowField("Name", {"type": "string"}),
        RowField("Price", {"type": "number"}),
        RowField("Inventory", {"type": "integer"}),
    )
)
BY_ROWS = [["a", 1.5, 10], ["b", 2.5, 20], ["c", 3.5, 30], ["d", 4.5, 40], ["e", 5.5, 50]]
ROWS = [dict(zip(NAMES, values, strict=True)) for values in BY_ROWS]


def frame(data: list[Any], names: list[str] = NAMES) -> Any:
    return read_frame({"column_names": names, "data": data}, NAMES, lambda item: not CHECK(item)[1])


def test_a_frame_by_rows_is_read_by_rows() -> None:
    assert frame(BY_ROWS).items == ROWS


def test_a_frame_by_columns_is_transposed_with_a_note() -> None:
    reading = frame([list(column) for column in zip(*BY_ROWS, strict=True)])
    assert reading.items == ROWS
    assert reading.notes == ("a frame by columns was transposed",)


def test_a_square_frame_is_told_by_the_types_of_its_columns() -> None:
    square = BY_ROWS[:3]
    turned = [list(column) for column in zip(*square, strict=True)]
    assert frame(square).items == ROWS[:3]
    assert frame(turned).items == ROWS[:3]


def test_a_square_frame_that_reads_both_ways_is_refused() -> None:
    text = compile_fields(tuple(RowField(name, {"type": "string"}) for name in NAMES))
    value = {"columns": NAMES, "data": [["a", "b", "c"]] * 3}
    reading = read_frame(value, NAMES, lambda item: not text(item)[1])
    assert reading is not None
    assert not reading.items
    assert "ambiguous" in reading.problem


def test_ragged_rows_are_rejected_one_by_one() -> None:
    reading = frame([["a", 1, 10], ["b", 2], ["c", 3, 30, 4], ["d", 4, 40]])
    assert [row["Name"] for row in reading.items] == ["a", "d"]
    assert [reason for _, reason in reading.bad] == [
        "row 2: 2 values for 3 columns",
        "row 3: 4 values for 3 columns",
    ]


@pytest.mark.parametrize(
    ("data", "names", "problem"),
    [
        ([], NAMES, "the frame is empty"),
        (BY_ROWS, ["Name", "Price", "Price"], "the frame names a column twice"),
        (BY_ROWS, ["Name", "name", "Price"], "the frame names a column twice"),
        ([1, 2, 3], NAMES, "not a grid of values"),
    ],
)
def test_a_frame_that_can_not_be_read_has_a_named_problem(
    data: list[Any], names: list[str], problem: str
) -> None:
    reading = frame(data, names)
    assert problem in reading.problem
    assert not reading.items


@pytest.mark.parametrize("names", [["Name", "Price"], [*NAMES, "Colour"]])
def test_names_that_do_not_match_the_rows_reject_every_row(names: list[str]) -> None:
    reading = frame(BY_ROWS, names)
    assert not reading.items
    assert len(reading.bad) == len(BY_ROWS)


def test_an_object_of_columns_is_a_frame_too() -> None:
    columns = {name: [row[name] for row in ROWS] for name in NAMES}
    reading = read_frame(columns, NAMES, lambda item: not CHECK(item)[1])
    assert reading is not None
    assert reading.items == ROWS
    ragged = {**columns, "Price": [1]}
    refused = read_frame(ragged, NAMES, lambda item: not CHECK(item)[1])
    assert refused is not None
    assert refused.problem == "the frame's columns differ in length"


def test_a_row_of_lists_is_no_frame() -> None:
    listed = compile_fields((RowField("tags", {"type": "array", "items": {"type": "string"}}),))
    assert read_frame({"tags": ["a", "b"]}, ["tags"], lambda item: not listed(item)[1]) is None
    assert read_frame({"columns": ["a"], "rows": [{"a": 1}]}, ["a"], lambda _: True) is None
