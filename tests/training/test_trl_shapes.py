"""Files as TRL and Axolotl document them: written, validated, loaded by `datasets`, read back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import UsageError
from fabula.io.sources import read_json_rows
from fabula.training.lines import format_of_row


def weather(city: str, days: int = 1) -> str:
    """Tell the weather."""
    return f"{days} days of sun in {city}"


TALK = {
    "messages": [
        {"role": "system", "content": "You know the weather."},
        {"role": "user", "content": "Bonn and Ulm?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": f"call_{n}", "type": "function",
             "function": {"name": "weather", "arguments": json.dumps({"city": city})}}
            for n, city in enumerate(("Bonn", "Ulm"))]},
        {"role": "tool", "tool_call_id": "call_0", "content": "sun"},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "assistant", "content": "Sun in Bonn, rain in Ulm."},
    ],
    "tools": [{"type": "function", "function": {
        "name": "weather", "description": "Tell the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                       "required": ["city"]}}}],
}  # fmt: skip
PLAIN = {
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
}
ANSWERS = [
    {"q": "Is it cold?", "a": "Yes.", "b": "Perhaps, who knows.", "x": 5, "y": 1},
    {"q": "Is it hot?", "a": "No idea.", "b": "No.", "x": 2, "y": 4},
]
COMPARED: dict[str, Any] = {"user": "q", "assistant": ["a", "b"], "score": ["x", "y"]}


def _load(folder: Path) -> list[dict[str, Any]]:
    """What the official library reads from a folder, in a process of its own."""
    code = (
        "import datasets, json, sys; datasets.disable_progress_bars();"
        "print(json.dumps(datasets.load_dataset(sys.argv[1], cache_dir=sys.argv[2])"
        "['train'].to_list()))"
    )
    command = [sys.executable, "-c", code, str(folder), str(folder.parent / "cache")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def test_calls_have_the_shape_that_chat_templates_take(tmp_path: Path) -> None:
    fb.export([TALK, PLAIN], tmp_path / "set.jsonl", format="trl-chat")
    line = (read_json_rows(tmp_path / "set.jsonl") or [])[0]
    called, answer = line["messages"][2], line["messages"][3]
    assert called["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Bonn"}}
    assert called["tool_calls"][0]["type"] == "function"
    assert answer["name"] == "weather"
    assert json.loads(line["tools"]) == TALK["tools"]
    assert main(["validate", str(tmp_path / "set.jsonl")]) == 0


def test_preferences_are_turns(tmp_path: Path) -> None:
    out = tmp_path / "set.jsonl"
    fb.export(ANSWERS, out, format="trl-preference", system="Be brief.", **COMPARED)
    first, second = read_json_rows(out) or []
    assert first == {
        "prompt": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it cold?"},
        ],
        "chosen": [{"role": "assistant", "content": "Yes."}],
        "rejected": [{"role": "assistant", "content": "Perhaps, who knows."}],
    }  # fmt: skip
    assert second["chosen"][0]["content"] == "No."
    assert format_of_row(first) == "preference"
    assert main(["validate", str(out)]) == 0


FORMS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "chat-jsonl": ([PLAIN], {}),
    "trl-chat": ([TALK, PLAIN], {}),
    "completion-jsonl": ([PLAIN], {}),
    "sharegpt": ([TALK], {}),
    "preference": (ANSWERS, COMPARED),
    "trl-preference": (ANSWERS, COMPARED),
    "trl-unpaired": (ANSWERS, COMPARED),
    "axolotl-preference": (ANSWERS, COMPARED),
    "trl-prompt": (ANSWERS, {"user": "q", "assistant": "a"}),
    "segments": (ANSWERS, {"user": "q", "assistant": "a"}),
    "text": (ANSWERS, {"user": "q", "assistant": "a"}),
    "alpaca": (ANSWERS, {"user": "q", "assistant": "a"}),
}
_ASKED = [{"role": "user", "content": "Is it cold?"}]
_YES = {"role": "assistant", "content": "Yes."}
_WHO_KNOWS = {"role": "assistant", "content": "Perhaps, who knows."}
DOCUMENTED: dict[str, list[dict[str, Any]]] = {
    "text": [{"text": "Is it cold?\n\nYes."}],
    "trl-prompt": [{"prompt": _ASKED, "answer": "Yes."}],
    "preference": [{"prompt": "Is it cold?", "chosen": "Yes.", "rejected": "Perhaps, who knows."}],
    "trl-preference": [{"prompt": _ASKED, "chosen": [_YES], "rejected": [_WHO_KNOWS]}],
    "trl-unpaired": [
        {"prompt": _ASKED, "completion": [_YES], "label": True},
        {"prompt": _ASKED, "completion": [_WHO_KNOWS], "label": False},
    ],
    "axolotl-preference": [{"messages": _ASKED, "chosen": _YES, "rejected": _WHO_KNOWS}],
    "segments": [{"segments": [{"label": False, "text": "Is it cold?\n\n"},
                               {"label": True, "text": "Yes."}]}],
    "alpaca": [{"instruction": "Is it cold?", "input": "", "output": "Yes."}],
}  # fmt: skip
"""The shapes of TRL's page on dataset formats and of Axolotl's pages on them, by our names."""


@pytest.mark.parametrize("form", DOCUMENTED)
def test_a_written_line_has_the_documented_shape_and_is_read_back(
    tmp_path: Path, form: str
) -> None:
    rows, how = FORMS[form]
    out = tmp_path / "set.jsonl"
    made = fb.export(rows, out, format=form, **how)
    lines = read_json_rows(out) or []
    assert lines[: len(DOCUMENTED[form])] == DOCUMENTED[form]
    assert made.files[0].rows == len(lines) == 2 * len(DOCUMENTED[form])
    assert not made.left_out
    assert main(["validate", str(out)]) == 0


READ: list[dict[str, Any]] = [
    {"text": "The sky is blue."},
    {"prompt": "The sky is"},
    {"prompt": _ASKED},
    {"prompt": "The sky is", "completion": " blue."},
    {"prompt": "The sky is", "completion": " blue.", "label": True},
    {"chosen": [*_ASKED, _YES], "rejected": [*_ASKED, _WHO_KNOWS]},
    {"chosen": "The sky is blue.", "rejected": "The sky is green."},
    {"prompt": "Which number is larger, 9.8 or 9.11?",
     "completions": ["0.8 is larger than 0.11.", "Hence, 9.11 is larger."],
     "labels": [True, False]},
    {"conversations": [*_ASKED, _YES]},
    {"conversations": [{"from": "human", "value": "Hello", "train": False},
                       {"from": "gpt", "value": "Hi there!", "train": True}]},
    {"segments": [{"label": True, "text": "<s>Hello\n"}, {"label": False, "text": "goodbye "}]},
    {"system": "Be brief.", "prompt": "Is it cold?", "chosen": "Yes.", "rejected": "No."},
    {"system": "Be brief.", "question": "Is it cold?", "chosen": "Yes.", "rejected": "No."},
    {"messages": [*_ASKED, {"role": "assistant", "tool_calls": [
        {"type": "function", "function": {"name": "weather", "arguments": {"city": "Bonn"}}}]},
        {"role": "tool", "name": "weather", "content": "Cold."}, _YES],
     "tools": TALK["tools"]},
]  # fmt: skip


@pytest.mark.parametrize("line", READ, ids=", ".join)
def test_the_examples_of_both_pages_are_valid(tmp_path: Path, line: dict[str, Any]) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(line) + "\n", "utf-8")
    assert main(["validate", str(path)]) == 0


def test_steps_need_a_label_each(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"prompt": "a", "completions": ["b", "c"], "labels": [true]}\n', "utf-8")
    assert main(["validate", str(path)]) == 1


def test_every_pair_of_one_question_is_written(tmp_path: Path) -> None:
    twice = [ANSWERS[0], {**ANSWERS[0], "b": "No."}]
    made = fb.export(twice, tmp_path / "set.jsonl", format="preference", **COMPARED)
    assert (made.files[0].rows, made.left_out) == (2, {})


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_official_library_loads_a_folder_with_a_card(tmp_path: Path, form: str) -> None:
    rows, how = FORMS[form]
    made = fb.export(rows, tmp_path / "set", format=form, card=True, license="cc-by-4.0", **how)
    card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert 'license: "cc-by-4.0"' in card
    assert len(_load(tmp_path / "set")) == sum(file.rows for file in made.files)


def test_a_card_names_every_split_and_what_was_left_out(tmp_path: Path) -> None:
    rows = [{"q": f"Question {n}?", "a": f"Answer {n}." if n else ""} for n in range(11)]
    split = {"train": 0.8, "test": 0.2}
    fb.export(rows, tmp_path / "set", user="q", assistant="a", split=split, card=True)
    card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert '- split: "train"\n    path: "train.jsonl"' in card
    assert '- split: "test"\n    path: "test.jsonl"' in card
    assert "- 1: an input or output is empty" in card
    with pytest.raises(UsageError, match="a card describes a folder"):
        fb.export(rows, tmp_path / "set.jsonl", user="q", assistant="a", card=True)


def test_conversations_of_a_spec_tool_round_trip(tmp_path: Path) -> None:
    talks = fb.conversations("weather", 3, turns=1, tools=[weather], calls="one", model="fake")
    talks.write(tmp_path / "set.jsonl", format="trl-chat")
    assert main(["validate", str(tmp_path / "set.jsonl")]) == 0
