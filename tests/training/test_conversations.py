"""Rows that hold conversations, exported with every turn and every call of a tool."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import SourceError, UsageError
from fabula.training.check import check_training_file

Row = dict[str, Any]

TALK: Row = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hi\n"},
        {"role": "assistant", "content": "    hello\n"},
        {"role": "user", "content": "more"},
        {"role": "assistant", "content": "ok"},
    ]
}
TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"properties": {"city": {"type": "string"}}}},
}


def call(id: str, arguments: str) -> Row:  # noqa: A002
    return {"id": id, "type": "function", "function": {"name": "weather", "arguments": arguments}}


CALLING: Row = {
    "messages": [
        {"role": "user", "content": "Oslo and Rome?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [call("a", '{"city": "Oslo"}'), call("b", '{"city": "Rome"}')],
        },
        {"role": "tool", "tool_call_id": "a", "content": "-3"},
        {"role": "tool", "tool_call_id": "b", "content": "14"},
        {"role": "assistant", "content": "Cold and mild."},
    ],
    "tools": [TOOL],
}


def jsonl(path: Path, *rows: Row) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def exported(tmp_path: Path, form: str, *rows: Row) -> list[Row]:
    made = fb.export(jsonl(tmp_path / "in.jsonl", *rows), tmp_path / "out.jsonl", format=form)
    assert made.left_out == {}
    assert all(not found.broken for found in check_training_file(tmp_path / "out.jsonl"))
    return lines(tmp_path / "out.jsonl")


def test_a_chat_goes_through_as_it_is(tmp_path: Path) -> None:
    """Absent keys stay absent, null stays null, texts keep their spaces and line ends."""
    assert exported(tmp_path, "chat-jsonl", TALK, CALLING) == [TALK, CALLING]


def test_sharegpt_holds_every_turn(tmp_path: Path) -> None:
    (made,) = exported(tmp_path, "sharegpt", TALK)
    said = [("system", "Be kind."), ("human", "hi\n"), ("gpt", "    hello\n")]
    said += [("human", "more"), ("gpt", "ok")]
    assert [(turn["from"], turn["value"]) for turn in made["conversations"]] == said


def test_alpaca_has_the_earlier_turns_as_history(tmp_path: Path) -> None:
    (made,) = exported(tmp_path, "alpaca", TALK)
    assert made == {
        "instruction": "more",
        "input": "",
        "output": "ok",
        "system": "Be kind.",
        "history": [["hi\n", "    hello\n"]],
    }


def test_prompt_and_completion_are_lists_of_turns(tmp_path: Path) -> None:
    (made,) = exported(tmp_path, "completion-jsonl", CALLING)
    assert made["prompt"] == CALLING["messages"][:-1]
    assert made["completion"] == CALLING["messages"][-1:]
    assert made["tools"] == [TOOL]


def test_calls_of_tools_survive_sharegpt_and_back(tmp_path: Path) -> None:
    (made,) = exported(tmp_path, "sharegpt", CALLING)
    speakers = [turn["from"] for turn in made["conversations"]]
    assert speakers == ["human", "function_call", "observation", "gpt"]
    (tmp_path / "back").mkdir()
    (back,) = exported(tmp_path / "back", "chat-jsonl", made)
    calls = back["messages"][1]["tool_calls"]
    assert [json.loads(each["function"]["arguments"])["city"] for each in calls] == ["Oslo", "Rome"]
    answers = [(turn["tool_call_id"], turn["content"]) for turn in back["messages"][2:4]]
    assert answers == [(calls[0]["id"], "-3"), (calls[1]["id"], "14")]


def test_objects_in_columns_of_a_type_do_not_gain_each_others_keys(tmp_path: Path) -> None:
    """Parquet gives every struct the keys of all; the export leaves those out that are null."""
    pq.write_table(pa.Table.from_pylist([CALLING, TALK]), tmp_path / "in.parquet")
    fb.export(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    first, second = lines(tmp_path / "out.jsonl")
    assert second["messages"] == TALK["messages"]
    assert first["messages"][1] == CALLING["messages"][1]
    assert set(first["messages"][0]) == {"role", "content"}


@pytest.mark.parametrize(
    ("row", "form", "reason"),
    [
        ({"messages": "hi"}, "chat-jsonl", "`messages` holds no turns"),
        ({"messages": []}, "chat-jsonl", "`messages` holds no turns"),
        ({"messages": TALK["messages"][:2]}, "chat-jsonl", "does not end with the assistant"),
        (CALLING, "alpaca", "Alpaca can't hold"),
        (
            {"messages": [*TALK["messages"][:4], {"role": "assistant", "content": " "}]},
            "sharegpt",
            "a turn is empty",
        ),
    ],
)
def test_conversations_that_can_be_no_example_are_counted(
    row: Row, form: str, reason: str, tmp_path: Path
) -> None:
    made = fb.export([TALK, row, TALK], tmp_path / "out.jsonl", format=form)
    assert len(lines(tmp_path / "out.jsonl")) == 2
    ((told, count),) = made.left_out.items()
    assert reason in told
    assert count == 1


def test_a_system_text_opens_conversations_that_have_none(tmp_path: Path) -> None:
    fb.export([TALK, CALLING], tmp_path / "out.jsonl", system="Be brief.")
    opened = [row["messages"][0]["content"] for row in lines(tmp_path / "out.jsonl")]
    assert opened == ["Be kind.", "Be brief."]


def test_without_conversations_the_error_says_what_is_needed(tmp_path: Path) -> None:
    for form in ("chat-jsonl", "preference"):
        with pytest.raises(UsageError, match="needs `user` and `assistant`"):
            fb.export([{"q": "a", "a": "b"}], tmp_path / "out.jsonl", format=form)


def test_packed_files_are_read_within_bounds(tmp_path: Path) -> None:
    """An archive of one file is exported; one that unpacks to far more than it is, is refused."""
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("talks.jsonl", json.dumps(TALK))
    fb.export(tmp_path / "in.zip", tmp_path / "out.jsonl")
    assert lines(tmp_path / "out.jsonl") == [TALK]
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb", 1) as file:
        for _ in range(80):
            file.write(b'{"a": "aaaaaaaaaaaaaaaaaaaaaaaa"}\n' * 30_000)
    with pytest.raises(SourceError) as caught:
        fb.export(tmp_path / "bomb.jsonl.gz", tmp_path / "b.jsonl", user="a", assistant="a")
    assert caught.value.code == "source.too-large"


def test_json_values_are_exported_as_they_stand(tmp_path: Path) -> None:
    """No dates are made of texts, no nulls of absent names, no numbers of long ids."""
    rows = [
        {"day": "2024-01-01", "id": 12345678901234567890123, "more": {"a": None}},
        {"day": "2024-01-02T00:00:00Z", "id": 7, "half": "\ud83d"},
    ]
    source = jsonl(tmp_path / "in.jsonl", *rows)
    fb.export(source, tmp_path / "rows.jsonl", format="jsonl")
    assert lines(tmp_path / "rows.jsonl") == rows
    fb.export(source, tmp_path / "set.jsonl", user="day", assistant="id")
    said = [[turn["content"] for turn in row["messages"]] for row in lines(tmp_path / "set.jsonl")]
    assert said == [["2024-01-01", "12345678901234567890123"], ["2024-01-02T00:00:00Z", "7"]]
