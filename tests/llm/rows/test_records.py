"""Typed rows over HTTP: exact counts, repairs and broken replies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fabula.errors import OutputError
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowField, RowsJob
from fabula.testing import ChatServer
from fabula.testing.replies import (
    cut,
    empty,
    filtered,
    null_content,
    reasoning_only,
    refusal,
    says,
    tool_calls,
)
from tests.llm.builders import Opened
from tests.llm.rows.jobs import NAME, PRICE, STOCK, always_new, listed, product, shop

GOOD = [product(number) for number in range(1, 6)]


async def test_a_request_carries_every_name_type_description_and_bound(opened: Opened) -> None:
    fields = (
        RowField("title", {"type": "string", "maxLength": 20, "pattern": "^[A-Z]"}, "short title"),
        RowField("rating", {"type": "integer", "minimum": 1, "maximum": 5}, "stars"),
        RowField("kind", {"enum": ["new", "used"]}),
        RowField("made", {"type": "string", "format": "date"}),
        RowField("tags", {"type": "array", "items": {"type": "string"}}, "search words"),
        RowField(
            "maker", {"type": "object", "properties": {"city": {"type": "string"}}}, required=False
        ),
        RowField("sold", {"type": "boolean"}),
    )
    row = {
        "title": "Lamp",
        "rating": 4,
        "kind": "new",
        "made": "2024-02-29",
        "tags": ["a"],
        "maker": None,
        "sold": False,
    }
    with ChatServer([says(row)]) as server:
        result = await ask_rows(opened(server), RowsJob("lamps", fields, 1))
    assert result.rows == [row]
    [call] = server.calls
    for words in ("short title", "at most 5", '"used"', "date", "search words", "matching"):
        assert words in call.prompt
    for each in fields:
        assert json.dumps(each.name) in call.prompt
    assert call.schema is not None
    assert set(call.schema["properties"]) == {each.name for each in fields}


@pytest.mark.parametrize("sizes", [[1, 4], [4, 1], [8], [2, 2, 1]])
async def test_five_asked_are_five_whatever_the_replies_hold(
    opened: Opened, sizes: list[int]
) -> None:
    numbers = iter(range(100))
    script = [listed(*[product(next(numbers)) for _ in range(size)]) for size in sizes]
    with ChatServer(script) as server:
        result = await ask_rows(opened(server), shop(5, rows_per_call=5))
    assert [row and row["name"] for row in result.rows] == [f"Product {i}" for i in range(5)]
    assert result.calls == len(sizes)
    assert not result.rejects
    if sizes == [8]:
        assert result.notes == {"rows beyond those requested were left out": 3}


async def test_only_bad_rows_are_asked_again_with_their_exact_errors(opened: Opened) -> None:
    rows: list[dict[str, Any]] = [product(number) for number in range(10)]
    rows[3] = {"name": "Bad", "price": "abc"}
    rows[7] = {"price": 3}
    fixed = [{"name": "Fixed 3", "price": 3}, {"name": "Fixed 7", "price": 7}]
    with ChatServer([listed(*rows), listed(*fixed)]) as server:
        result = await ask_rows(opened(server), shop(10, rows_per_call=10))
    assert [row and row["name"] for row in result.rows] == [
        *("Product 0", "Product 1", "Product 2", "Fixed 3", "Product 4", "Product 5"),
        *("Product 6", "Fixed 7", "Product 8", "Product 9"),
    ]
    again = server.calls[1].prompt
    assert '`price`: "abc" is not a number' in again
    assert "`name` is missing" in again
    assert '{"name": "Bad", "price": "abc"}' in again
    assert "exactly 2 rows" in again


async def test_rows_that_stay_bad_are_rejected_with_reason_and_raw_text(opened: Opened) -> None:
    def answer(call: Any) -> dict[str, Any]:
        return (
            listed(product(1), {"name": "Bad", "price": -1})
            if call.number == 1
            else ({"name": f"Bad {call.number}", "price": -call.number})
        )

    with ChatServer(answer) as server:
        result = await ask_rows(opened(server), shop(2, rows_per_call=2, attempts=2))
    assert result.rows == [product(1), None]
    [reject] = result.rejects
    assert (reject.row, reject.attempt) == (1, 3)
    for amount in (-1, -2, -3):
        assert f"{amount} is below the minimum 1" in reject.reason
    assert reject.raw == '{"name": "Bad 3", "price": -3}'
    assert len(server.calls) == 3


async def test_errors_accumulate_in_the_next_prompts(opened: Opened) -> None:
    script = ["no rows at all", {"name": "x", "price": "cheap"}, product(1)]
    with ChatServer(script) as server:
        result = await ask_rows(opened(server), shop(1))
    assert result.rows == [product(1)]
    first, second, third = [call.prompt for call in server.calls]
    assert "not accepted" not in first
    assert "the reply has no rows: no rows at all" in second
    assert "the reply has no rows: no rows at all" in third
    assert '`price`: "cheap" is not a number' in third


REPLIES = {
    "fenced": says(f"```json\n{json.dumps(GOOD)}\n```"),
    "prose": says(f"Of course!\n{json.dumps(GOOD)}\nEnjoy."),
    "value wrapper": says({"value": GOOD}),
    "items wrapper": says({"items": GOOD}),
    "bare list": says(GOOD),
    "thoughts": says(f"<think>five {{rows}}</think>{json.dumps(listed(*GOOD))}"),
    "trailing commas": says(json.dumps(listed(*GOOD)).replace("}]", "},]")),
    "two tool calls": tool_calls(json.dumps(listed(*GOOD[:2])), json.dumps(listed(*GOOD[2:]))),
    "other tool name": tool_calls(json.dumps(listed(*GOOD)), name="list"),
    "csv": says("name,price\n" + "".join(f"{r['name']},{r['price']}\n" for r in GOOD)),
    "frame": says({"column_names": ["name", "price"], "data": [list(r.values()) for r in GOOD]}),
    "columns": says(
        {"columns": ["Name", "Price"], "data": [[r[key] for r in GOOD] for key in GOOD[0]]}
    ),
    "numbers as text": says([{"name": r["name"], "price": str(r["price"])} for r in GOOD]),
    "other case": says([{"Name": f" {r['name']} ", "PRICE": r["price"], "x": 1} for r in GOOD]),
}


@pytest.mark.parametrize("kind", REPLIES)
async def test_every_shape_of_a_reply_gives_the_same_rows(opened: Opened, kind: str) -> None:
    with ChatServer([REPLIES[kind]]) as server:
        result = await ask_rows(opened(server), shop(5))
    assert result.rows == GOOD
    assert len(server.calls) == 1


async def test_a_frame_keeps_the_types_of_its_columns(opened: Opened) -> None:
    data = [["a", 1.5, 10], ["b", 2, 20]]
    reply = {"column_names": ["name", "price", "stock"], "data": data}
    with ChatServer([reply]) as server:
        result = await ask_rows(opened(server), shop(2, fields=(NAME, PRICE, STOCK)))
    assert result.rows == [
        {"name": "a", "price": 1.5, "stock": 10},
        {"name": "b", "price": 2, "stock": 20},
    ]


async def test_bad_lines_of_csv_are_asked_again_by_line_number(opened: Opened) -> None:
    text = "name,price\nKettle,1,250\nMug,7\n"
    with ChatServer([text, product(1)]) as server:
        result = await ask_rows(opened(server), shop(2))
    assert result.rows == [{"name": "Mug", "price": 7}, product(1)]
    assert "Kettle,1,250: line 2: 3 values for 2 columns" in server.calls[1].prompt


UNUSABLE = {
    "empty": (empty(), "the reply is empty"),
    "null content": (null_content(), "the reply is empty"),
    "spaces": (says("  \n "), "the reply is empty"),
    "refusal field": (refusal(), "refused"),
    "refusal words": (says("I'm sorry, but I can't help with that request."), "refusal"),
    "thoughts only": (reasoning_only(), "reasoning"),
    "filtered": (filtered(), "content filter"),
    "cut": (cut('{"rows": [{"name": "Ket'), "cut off after 0 whole rows"),
    "header only": (says("name,price\n"), "a header and no rows"),
    "NaN": (says('[{"name": "x", "price": NaN}]'), "not a finite number"),
    "empty frame": (says({"columns": ["name", "price"], "data": []}), "the frame is empty"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
async def test_a_reply_without_rows_is_asked_again_with_its_cause(
    opened: Opened, kind: str
) -> None:
    reply, cause = UNUSABLE[kind]
    with ChatServer([reply, product(1)]) as server:
        result = await ask_rows(opened(server), shop(1))
    assert result.rows == [product(1)]
    assert cause in server.calls[1].prompt


@pytest.mark.parametrize("kind", UNUSABLE)
async def test_nothing_but_unusable_replies_end_in_rejects_and_a_named_error(
    opened: Opened, kind: str
) -> None:
    reply, cause = UNUSABLE[kind]
    with ChatServer(lambda _: reply) as server:
        result = await ask_rows(opened(server), shop(2, attempts=1, rows_per_call=2))
    assert result.rows == [None, None]
    assert isinstance(result.error, OutputError)
    assert result.error.code == "rows.unusable"
    assert len(result.rejects) == 2
    assert cause in result.rejects[0].reason


async def test_a_cut_reply_keeps_whole_rows_and_asks_for_fewer(opened: Opened) -> None:
    whole = json.dumps(listed(*[product(number) for number in range(8)]))
    new = always_new()

    def answer(call: Any) -> Any:
        return cut(whole[: len(whole) * 5 // 8]) if call.number == 1 else new(call)

    with ChatServer(answer) as server:
        job = shop(8, rows_per_call=8, fields=(NAME, PRICE))
        result = await ask_rows(opened(server), job)
    kept = [row for row in result.rows[:5] if row]
    assert kept[:4] == [product(number) for number in range(4)]
    assert None not in result.rows
    assert "exactly 4 rows" in server.calls[1].prompt or "one row" in server.calls[-1].prompt
    assert any("cut off" in note for note in result.notes)
    assert "not accepted" not in server.calls[1].prompt


async def test_a_server_without_tools_still_gives_rows_and_the_mode_is_told(
    opened: Opened,
) -> None:
    with ChatServer([], refuse=["json_schema", "tools", "json_object"]) as server:
        result = await ask_rows(opened(server), shop(3))
    assert None not in result.rows
    assert set(result.modes) == {"prompt"}


async def test_a_check_of_the_user_sees_known_values_and_can_mend_a_row(opened: Opened) -> None:
    def check(row: dict[str, Any]) -> list[str]:
        row["name"] = row["name"].title()
        return [] if row["price"] >= row["floor"] else [f"price below {row['floor']}"]

    given = [{"floor": 10}, {"floor": 50}]
    script = [listed({"name": "mug", "price": 12}, {"name": "pan", "price": 12}), product(99)]
    with ChatServer(script) as server:
        result = await ask_rows(opened(server), shop(2, given=given, check_row=check))
    assert result.rows == [{"name": "Mug", "price": 12}, product(99)]
    assert "price below 50" in server.calls[1].prompt


async def test_a_check_that_raises_is_a_problem_of_its_row_alone(opened: Opened) -> None:
    def check(row: dict[str, Any]) -> list[str]:
        if row["name"] == "Product 0":
            raise ValueError("no zero, please")
        return []

    with ChatServer([listed(product(0), product(1)), product(2)]) as server:
        result = await ask_rows(opened(server), shop(2, check_row=check))
    assert result.rows == [product(2), product(1)]
    assert "ValueError: no zero, please" in server.calls[1].prompt


async def test_a_rule_over_the_table_asks_again_with_the_measured_violation(
    opened: Opened,
) -> None:
    def check(rows: Any) -> Mapping[int, str]:
        top = max(row["price"] for row in rows)
        return {
            place: f"price {row['price']} is under half of {top}"
            for place, row in enumerate(rows)
            if row["price"] < top / 2
        }

    bad = {"name": "Cheap", "price": 2}
    script = [listed({"name": "A", "price": 90}, bad), bad, {"name": "B", "price": 80}]
    with ChatServer(script) as server:
        result = await ask_rows(opened(server), shop(2, check_table=check))
    assert result.rows == [{"name": "A", "price": 90}, {"name": "B", "price": 80}]
    assert "price 2 is under half of 90" in server.calls[1].prompt
    assert len(server.calls) == 3


async def test_known_values_lead_and_rows_are_told_by_their_number(opened: Opened) -> None:
    given = [{"category": "bag"}, {"category": "shoe"}, {"category": 'a "quote" {x}\n'}]
    rows = [{"row": 3, "name": "C"}, {"row": 1, "name": "A"}]
    with ChatServer([listed(*rows), {"name": "B"}]) as server:
        result = await ask_rows(opened(server), shop(3, fields=(NAME,), given=given))
    assert result.rows == [{"name": "A"}, {"name": "B"}, {"name": "C"}]
    assert '3. {"category": "a \\"quote\\" {x}\\n"}' in server.calls[0].prompt
    assert 'Known values of the row: {"category": "shoe"}' in server.calls[1].prompt


async def test_rows_without_numbers_are_never_guessed_into_place(opened: Opened) -> None:
    """Two rows for three, and nothing says which."""
    given = [{"category": name} for name in ("a", "b", "c")]

    def answer(call: Any) -> Any:
        if call.number == 1:
            return listed({"name": "first"}, {"name": "third"})
        return {"name": call.prompt.rpartition('{"category": "')[2][0].upper()}

    with ChatServer(answer) as server:
        result = await ask_rows(opened(server), shop(3, fields=(NAME,), given=given))
    assert result.rows == [{"name": "A"}, {"name": "B"}, {"name": "C"}]
    assert list(result.notes) == ["the reply holds 2 of 3 rows and no row numbers"]
