"""Outputs of a spec: every problem is found before a row is made."""

from __future__ import annotations

from typing import Any

import pytest

import fabula as fb
from fabula.errors import SpecError
from fabula.planning.outputs import output_files
from fabula.planning.planner import make_plan

TURNS = {
    "n": 3,
    "columns": {
        "topic": {"kind": "choice", "values": ["a", "b"]},
        "question": {"kind": "text", "prompt": "Ask about {{ topic }}."},
        "answer": {"kind": "text", "prompt": "Answer: {{ question }}"},
        "score": {"kind": "judge", "of": "answer", "rubric": {"good": "1..5"}, "drop": True},
    },
}
CHAT = {"format": "chat-jsonl", "user": "question", "assistant": "answer"}


def spec(*outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tables": {"turns": TURNS, **more}, "outputs": list(outputs)}


def problems(*outputs: dict[str, Any], **more: Any) -> dict[str, str]:
    """The problems' codes and messages, by place."""
    with pytest.raises(SpecError) as caught:
        make_plan(fb.resolve(spec(*outputs, **more)))
    return {str(item.where): f"{item.code} {item.message}" for item in caught.value.violations}


def test_sound_outputs_are_planned() -> None:
    outputs = [
        {**CHAT, "split": {"train": 0.9, "test": 0.1}, "stratify": "topic"},
        {**CHAT, "format": "alpaca", "system": "Be kind.", "path": "alpaca"},
        {**CHAT, "user": "About {{ topic }}: {{ question }}"},
        {"format": "csv"},
    ]
    plan = make_plan(fb.resolve(spec(*outputs)))
    assert output_files(plan.spec) == [
        "train.jsonl",
        "test.jsonl",
        "alpaca.jsonl",
        "turns-chat.jsonl",
    ]


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        {**CHAT, "user": "questoin"},
        {**CHAT, "table": "turn"},
        {**CHAT, "assistant": "{{ reply }}", "path": "third"},
        {**CHAT, "split": {"a": 1}, "stratify": "score"},
        {"format": "csv", "tables": ["tunrs"]},
        {**CHAT, "user": "{{ question"},
        {"format": "sharegpt"},
    )
    assert found["outputs.0"] == "spec.unknown-column there is no column `questoin`"
    assert found["outputs.1.table"].startswith("spec.unknown-table")
    assert "`reply`" in found["outputs.2"]
    assert found["outputs.3"].startswith("spec.dropped-column")
    assert found["outputs.4.tables"].startswith("spec.unknown-table")
    assert found["outputs.5"].startswith("spec.")
    assert "needs `user` and `assistant`" in found["outputs.6"]


def test_one_of_several_tables_must_be_named() -> None:
    other = {"n": 1, "columns": {"id": {"kind": "key"}}}
    assert "must say which" in problems(CHAT, other=other)["outputs.0"]
    make_plan(fb.resolve(spec({**CHAT, "table": "turns"}, other=other)))


def test_two_outputs_can_not_write_one_file() -> None:
    found = problems({**CHAT, "split": {"turns": 1}})
    assert "writes `turns.jsonl` too" in found["outputs.0"]
    found = problems({**CHAT, "path": "a"}, {**CHAT, "format": "sharegpt", "path": "a"})
    assert "`outputs.0` writes `a.jsonl` too" in found["outputs.1"]


@pytest.mark.parametrize(
    ("name", "hint"), [("bricks", "there are parquet, "), ("parket", "did you mean `parquet`?")]
)
def test_a_format_that_nothing_writes_is_refused(name: str, hint: str) -> None:
    with pytest.raises(SpecError, match=f"there is no format `{name}`") as caught:
        fb.plan(spec({"format": name}))
    assert hint in str(caught.value)
    assert "outputs.0.format" in str(caught.value)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"format": "csv", "user": "question"}, "needs a training format or a `split`"),
        ({"format": "chat-jsonl", "user": "question"}, "needs `user` and `assistant`"),
        (
            {**CHAT, "assistant": ["question", "answer"]},
            "only `axolotl-preference`, `preference`, `trl-preference`, `trl-unpaired` compares",
        ),
        ({**CHAT, "format": "preference"}, "needs a `score` for each"),
        ({**CHAT, "stratify": "topic"}, "`stratify` needs a `split`"),
        ({**CHAT, "split": {"a/b": 1}}, "is not a name for the file"),
        ({**CHAT, "split": {"a": 0}}, "must be above 0"),
        ({**CHAT, "tables": ["turns"]}, "give `table: NAME`"),
        ({**CHAT, "format": "chat-json"}, "`chat-json` is not one; did you mean `chat-jsonl`?"),
        ({**CHAT, "users": "question"}, "no key `users`"),
    ],
)
def test_outputs_that_make_no_sense_are_refused(output: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        fb.resolve(spec(output))
    assert message in str(caught.value)


def test_checks_on_columns_of_the_wrong_type_are_refused() -> None:
    turns = {
        **TURNS,
        "checks": [
            {"kind": "minimum", "column": "question", "at_least": 4},
            {"kind": "near_duplicate", "column": "score"},
            {"kind": "near_duplicate", "column": "topik"},
        ],
    }
    with pytest.raises(SpecError) as caught:
        make_plan(fb.resolve({"tables": {"turns": turns}}))
    told = {item.where: item.message for item in caught.value.violations}
    assert "needs numbers" in told["tables.turns.checks.0.column"]
    assert "needs texts" in told["tables.turns.checks.1.column"]
    assert "no column `topik`" in told["tables.turns.checks.2"]
