"""Formats that trainers read: each is known by its keys, and what is refused is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fabula.training.check import check_training_file
from fabula.training.lines import format_of_row

Row = dict[str, Any]

USER = {"role": "user", "content": "Weather in Oslo?"}
WARM = {"role": "assistant", "content": "Warm"}
COLD = {"role": "assistant", "content": "Cold"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


def call(arguments: Any = '{"city": "Oslo"}', name: str = "weather", id: str = "c1") -> Row:  # noqa: A002
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: Row, answers: tuple[str, ...] = ("c1",), tools: Any = (WEATHER,)) -> Row:
    said = [{"role": "tool", "tool_call_id": each, "content": "20"} for each in answers]
    turns = [USER, {"role": "assistant", "content": None, "tool_calls": list(calls)}, *said, WARM]
    return {"messages": turns, "tools": list(tools)}


def broken(tmp_path: Path, *rows: Row) -> dict[str, list[str]]:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = check_training_file(path)
    return {item.rule: [told for _, told in item.broken] for item in found if item.broken}


SHAREGPT_CALL = json.dumps({"name": "weather", "arguments": {"city": "Oslo"}})
SHAREGPT = [
    {"from": "human", "value": "Weather in Oslo?"},
    {"from": "function_call", "value": SHAREGPT_CALL},
    {"from": "observation", "value": "20"},
    {"from": "gpt", "value": "Warm"},
]
GOOD: dict[str, Row] = {
    "chat-jsonl": calling(call()),
    "openai-preference": {
        "input": {"messages": [USER], "tools": [WEATHER], "parallel_tool_calls": True},
        "preferred_output": [WARM],
        "non_preferred_output": [COLD],
    },
    "sharegpt": {
        "conversations": SHAREGPT,
        "system": "Be kind.",
        "tools": json.dumps([WEATHER["function"]]),
    },
    "alpaca-preference": {"instruction": "a", "input": "", "chosen": "b", "rejected": "c"},
    "preference": {"prompt": [USER], "chosen": [WARM], "rejected": [COLD]},
    "completion-jsonl": {"prompt": [USER], "completion": [WARM]},
    "alpaca": {"instruction": "a", "output": "b", "system": "", "history": [["c", "d"]]},
    "segments": {"segments": [{"label": False, "text": "a"}, {"label": True, "text": "b"}]},
    "text": {"text": "once upon a time"},
}


@pytest.mark.parametrize(("form", "row"), GOOD.items())
def test_a_sound_line_of_each_format_passes(form: str, row: Row, tmp_path: Path) -> None:
    assert format_of_row(row) == form
    assert broken(tmp_path, row) == {}


def test_answers_may_be_compared_without_a_prompt_and_labelled_without_a_pair(
    tmp_path: Path,
) -> None:
    """TRL's implicit prompt and its unpaired preferences."""
    assert broken(tmp_path, {"chosen": [USER, WARM], "rejected": [USER, COLD]}) == {}
    assert broken(tmp_path, {"prompt": "a", "completion": "b", "label": True}) == {}


def test_arguments_may_be_objects_and_answers_may_have_no_ids(tmp_path: Path) -> None:
    """The form that chat templates read."""
    row = calling({"function": {"name": "weather", "arguments": {"city": "Oslo"}}})
    row["messages"][2] = {"role": "tool", "name": "weather", "content": "20"}
    assert broken(tmp_path, row) == {}


TOOLS: dict[str, tuple[Row, str]] = {
    "no JSON": (calling(call("{city: Oslo")), "are not a JSON object"),
    "unknown tool": (calling(call(name="wether")), "`wether`, which it does not declare"),
    "argument missing": (calling(call("{}")), "`city`: is missing"),
    "argument of another type": (calling(call('{"city": 3}')), "`city` as another type"),
    "a number as text": (calling(call('{"city": "Oslo", "days": "3"}')), "`days` as another type"),
    "unknown id": (calling(call(), answers=("c2",)), "`c2`, which is not open"),
    "no answer": (calling(call(), call(id="c2")), "before every call of a tool is answered"),
    "answered twice": (calling(call(), answers=("c1", "c1")), "that nothing called"),
    "one id for two calls": (calling(call(), call(), answers=("c1", "c1")), "without their own"),
    "a tool declared twice": (calling(call(), tools=(WEATHER, WEATHER)), "`weather` twice"),
    "a tool without a name": (calling(call(), tools=({"type": "function"},)), "the name None"),
    "tools that are not a list": (calling(call()) | {"tools": "none"}, "are not a list"),
    "wrong schema": (
        calling(call(), tools=({"name": "weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "text"}}}},)),
        "not a JSON Schema",
    ),
    "a user who calls": (
        {"messages": [{**USER, "tool_calls": [call()]}, WARM]},
        "a call of a tool by `user`",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("row", "told"), TOOLS.values(), ids=TOOLS)
def test_calls_that_do_not_fit_their_tools_are_told(row: Row, told: str, tmp_path: Path) -> None:
    found = broken(tmp_path, row)
    assert list(found) == ["tools"]
    assert told in found["tools"][0]


REFUSED: dict[str, tuple[Row, str, str]] = {
    "weight": ({"messages": [USER, {**WARM, "weight": 2}]}, "text", "the weight 2"),
    "label": ({"prompt": "a", "completion": "b", "label": "yes"}, "text", "not true or false"),
    "same answers": ({"prompt": "a", "chosen": "b", "rejected": "b"}, "text", "the same answer"),
    "same last turns": (
        {"input": {"messages": [USER]}, "preferred_output": [WARM], "non_preferred_output": [WARM]},
        "text",
        "the same answer",
    ),
    "nothing to train": ({"segments": [{"label": False, "text": "a"}]}, "text", "no segment"),
    "segment without a label": ({"segments": [{"text": "a"}]}, "format", "what `segments` needs"),
    "history of one": (
        {"instruction": "a", "output": "b", "history": [["c"]]},
        "format",
        "what `alpaca` needs",
    ),
    "user answers": ({"prompt": [USER], "completion": [USER]}, "roles", "end with the assistant"),
    "two answers in a row": (
        {"conversations": [SHAREGPT[0], SHAREGPT[2], SHAREGPT[3]]},
        "roles",
        "without an answer between them",
    ),
}


@pytest.mark.parametrize(("row", "rule", "told"), REFUSED.values(), ids=REFUSED)
def test_what_a_trainer_refuses_is_told(row: Row, rule: str, told: str, tmp_path: Path) -> None:
    assert told in broken(tmp_path, row)[rule][0]


@pytest.mark.parametrize("junk", [None, 3, "x", [], [3], {"a": 1}, [[]], [{"from": {}}]])
@pytest.mark.parametrize("row", GOOD.values(), ids=GOOD)
def test_junk_in_any_place_is_a_finding(row: Row, junk: Any, tmp_path: Path) -> None:
    """A file of any content ends in findings."""
    for key in row:
        broken(tmp_path, {**row, key: junk})
        if key == "messages":
            for part in ("content", "tool_calls", "function_call", "tool_call_id", "role"):
                broken(tmp_path, {"messages": [USER, {**WARM, part: junk}]})
        if key == "tools":
            broken(tmp_path, {**row, key: [{"name": "weather", "parameters": junk}]})
