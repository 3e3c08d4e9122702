"""The check of training files: what a fine-tuning service would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import SourceError
from fabula.training.check import check_training_file


def chat(*turns: tuple[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


GOOD = chat(("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"))
SEVERAL = chat(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))


def written(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "train.jsonl"
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def broken(path: Path, **how: Any) -> dict[str, list[int]]:
    found = check_training_file(path, **how)
    return {item.rule: [line for line, _ in item.broken] for item in found if item.broken}


def test_a_sound_file_passes(tmp_path: Path) -> None:
    """Blank lines, a byte-order mark, tools and several turns are fine."""
    tools = chat(("user", "Weather?"), ("assistant", None), ("tool", "20"), ("assistant", "Warm"))
    tools["messages"][1]["tool_calls"] = [{"id": "1", "function": {"name": "w"}}]
    tools["messages"][2]["tool_call_id"] = "1"
    path = written(tmp_path, "\ufeff" + json.dumps(GOOD), "", SEVERAL, tools)
    assert broken(path) == {}
    assert fb.validate(path).passed


BAD: dict[str, tuple[Any, set[str]]] = {
    "no JSON": ("{", {"json"}),
    "no object": ("[1]", {"json"}),
    "no keys": ({"text": "x"}, {"format"}),
    "another format": ({"prompt": "a", "completion": "b"}, {"format"}),
    "turns that are none": ({"messages": "hi"}, {"format"}),
    "unknown role": (chat(("user", "a"), ("bot", "b")), {"roles"}),
    "no answer": (chat(("user", "a")), {"roles"}),
    "answer first": (chat(("assistant", "a"), ("user", "b"), ("assistant", "c")), {"roles"}),
    "twice in a row": (chat(("user", "a"), ("user", "b"), ("assistant", "c")), {"roles"}),
    "late system": (chat(("user", "a"), ("system", "b"), ("assistant", "c")), {"roles"}),
    "nothing said": ({"messages": []}, {"roles"}),
    "empty text": (chat(("user", " "), ("assistant", "b")), {"text"}),
    "no content": (chat(("user", "a"), ("assistant", None)), {"text"}),
    "too long": (chat(("user", "word " * 500), ("assistant", "b")), {"length"}),
    "a repeat": (
        chat(("system", "Be  KIND."), ("user", "hi"), ("assistant", "Hello")),
        {"distinct"},
    ),
}


@pytest.mark.parametrize(("row", "rules"), BAD.values(), ids=BAD)
def test_each_fault_is_told_with_its_line(row: Any, rules: set[str], tmp_path: Path) -> None:
    """Roles, order, non-empty, length, duplicates."""
    path = written(tmp_path, GOOD, row, SEVERAL)
    assert broken(path, longest=400) == {rule: [2] for rule in rules}
    message = next(item for item in check_training_file(path, longest=400) if item.broken).message
    assert "line 2" in message


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
        {"instruction": "a", "input": "", "output": "b"},
        {"prompt": "a", "completion": "b"},
        {"prompt": "a", "chosen": "b", "rejected": "c"},
    ],
)
def test_other_formats_are_known_by_their_keys(row: dict[str, Any], tmp_path: Path) -> None:
    assert broken(written(tmp_path, row)) == {}
    empty = {key: "" if isinstance(value, str) else value for key, value in row.items()}
    if empty != row:
        assert broken(written(tmp_path, empty)) == {"text": [1]}


def test_files_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no example"):
        check_training_file(written(tmp_path, ""))
    with pytest.raises(SourceError, match="can't be read"):
        check_training_file(tmp_path / "none.jsonl")
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError):
        check_training_file(tmp_path / "b.jsonl")
