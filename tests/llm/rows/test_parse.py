"""Finding rows in JSON as models send it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.llm.json_schema.reading import is_cut, json_values
from fabula.llm.rows.names import unitless_name
from fabula.llm.rows.prose import is_refusal
from fabula.llm.rows.reasoning import without_thoughts
from fabula.llm.rows.row_items import row_items

ROWS = [{"name": "Kettle", "price": 29.5}, {"name": "Mug } {", "price": 7}]
LISTED = json.dumps(ROWS)
NAMES = ["name", "price"]


def rows_in(text: str, names: list[str] = NAMES) -> list[Any]:
    found = without_thoughts(text)
    return [row for value in json_values(found) for row in row_items(value, names)]


@pytest.mark.parametrize(
    "text",
    [
        LISTED,
        f"```json\n{LISTED}\n```",
        f"Sure! Here are [2] rows:\n\n{LISTED}\n\nAnything else, {{name}}?",
        f'<think>maybe {{"name": "no", "price": 1}}</think>\n{LISTED}',
        f'Let me think. {{"name": "no", "price": 1}}</think>{LISTED}',
        "\ufeff" + LISTED,
        f'{{"value": {LISTED}}}',
        f'{{"items": {LISTED}}}',
        f'{{"rows": {LISTED}, "count": 2}}',
        f'{{"result": {{"rows": {LISTED}}}}}',
        f'{{"1": {json.dumps(ROWS[0])}, "2": {json.dumps(ROWS[1])}}}',
        LISTED.replace("}]", "},]").replace("7}", "7,}"),
        "\n".join(json.dumps(row) for row in ROWS),
        f"[[{json.dumps(ROWS[0])}], [{json.dumps(ROWS[1])}]]",
        json.dumps({"name": "make_rows", "arguments": json.dumps({"rows": ROWS})}),
        json.dumps({"function": "make_rows", "parameters": {"rows": ROWS}}),
        f'{{"rows": [{json.dumps(ROWS[0])}]}}{{"rows": [{json.dumps(ROWS[1])}]}}',
    ],
)
def test_whole_rows_are_found_in_every_wrapping(text: str) -> None:
    assert rows_in(text) == ROWS


def test_a_single_object_is_one_row() -> None:
    assert rows_in(json.dumps(ROWS[0])) == [ROWS[0]]


def test_a_name_that_differs_in_case_and_unit_still_makes_a_row() -> None:
    row = {"House size (m²)": 80}
    assert row_items(row, ["house_size"]) == [row]
    assert row_items(row, ["house_size_m2"]) == [row]


def test_nan_is_read_so_that_the_schema_can_refuse_it() -> None:
    [row] = rows_in('[{"name": "x", "price": NaN}]')
    assert row["price"] != row["price"]


@pytest.mark.parametrize("length", range(1, len(LISTED)))
def test_a_reply_cut_anywhere_keeps_whole_rows_only(length: int) -> None:
    text = f'{{"rows": {LISTED}'[: length + 9]
    values = list(json_values(text))
    found = [row for value in values for row in row_items(value, NAMES)]
    assert found == ROWS[: len(found)]
    assert all(is_cut(value) for value in values)


def test_a_cut_object_is_never_a_row() -> None:
    assert rows_in('{"name": "Kettle", "price": 2') == []
    assert rows_in('{"name": "Kettle", "price": 29.5') == []


def test_a_list_of_plain_values_is_the_rows_of_a_single_field() -> None:
    assert row_items(["a", "b"], ["name"], scalars=True) == [{"name": "a"}, {"name": "b"}]
    assert row_items([1, 2], ["name", "price"], scalars=True) == []


def test_a_field_that_is_a_list_does_not_hide_its_row() -> None:
    row = {"tags": ["a", "b"], "name": "x"}
    assert row_items(row, ["name", "tags"]) == [row]


@given(st.text(alphabet=st.sampled_from('{}[]",:\\ \nab1-.tnf<think>/'), max_size=60))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    for value in json_values(without_thoughts(text)):
        row_items(value, ["a", "b"], scalars=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(st.lists(st.fixed_dictionaries({"name": st.text(max_size=9), "price": JSON})), st.text())
def test_every_row_found_was_written(rows: list[dict[str, Any]], around: str) -> None:
    """No row is invented and none is lost, whatever the values hold."""
    prose = around.translate({ord(letter): None for letter in '{["<`'})
    assert rows_in(f"{prose}\n{json.dumps({'rows': rows})}\n{prose}") == rows


def test_a_megabyte_of_brackets_is_read_in_bounded_time() -> None:
    assert rows_in("[" * 200_000) == []
    assert rows_in('{"a":' * 100_000) == []


@pytest.mark.parametrize("text", ["[" * 20_000, "[1," * 20_000, '{"name":' * 20_000])
def test_a_hostile_reply_is_read_in_a_moment(text: str) -> None:
    """Brackets without end give no row and cost no more than their length."""
    started = time.process_time()
    assert not is_refusal(text)
    assert rows_in(text) == [] or all(is_cut(row) for row in rows_in(text))
    unitless_name(text)
    assert time.process_time() - started < 5
