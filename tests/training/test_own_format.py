"""Training formats of one's own: written, recognised and checked like the built-in ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import UsageError
from fabula.extending import Example, Line, TrainingFormat, Turn, register
from fabula.spec.training_formats import TRAINING_FORMATS
from fabula.training.check import check_training_file

ROWS = {"question": ["Where is the owl?", "Who sings?"], "answer": ["In the barn.", "The wren."]}


def read(row: dict[str, Any]) -> Line | None:
    """The turns of a line."""
    if not all(isinstance(row[key], str) for key in ("ask", "reply")):
        return None
    return Line(((Turn("user", row["ask"]), Turn("assistant", row["reply"])),))


def write(example: Example) -> dict[str, Any]:
    """A line of an example."""
    return {"ask": example.user, "reply": example.assistant}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert "alpaca" in TRAINING_FORMATS.known()
    for kept in ("_entries", "_sources"):
        monkeypatch.setattr(TRAINING_FORMATS, kept, dict(getattr(TRAINING_FORMATS, kept)))
    register(TrainingFormat("birdsong", "birdsong", ("ask", "reply"), reads=read, writes=write))


def test_it_is_exported_and_its_files_are_checked() -> None:
    made = fb.export(ROWS, "t.jsonl", format="birdsong", user="question", assistant="answer")
    assert made.tokens is not None
    lines = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    assert lines[0] == {"ask": "Where is the owl?", "reply": "In the barn."}
    assert main(["validate", "t.jsonl"]) == 0
    Path("t.jsonl").write_text('{"ask": "a", "reply": ""}\n{"ask": 1, "reply": "b"}\n')
    broken = {found.rule: found.message for found in check_training_file(Path("t.jsonl"))}
    assert "line 2 does not hold what `birdsong` needs" in broken["format"]
    assert "line 1 has an empty text" in broken["text"]


def test_a_spec_writes_it_among_its_outputs() -> None:
    columns = {"q": {"kind": "constant", "value": "Who?"}, "a": {"kind": "constant", "value": "I."}}
    output = {"format": "birdsong", "user": "q", "assistant": "a"}
    spec = {"tables": {"t": {"n": 2, "columns": columns}}, "outputs": [output]}
    fb.generate(spec, output="out")
    lines = Path("out/t-birdsong.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"ask": "Who?", "reply": "I."}


def test_a_format_of_one_question_refuses_conversations() -> None:
    talks = {"messages": [[{"role": "user", "content": "a"}]]}
    with pytest.raises(UsageError, match="`birdsong` needs `user` and `assistant`"):
        fb.export(talks, "t.jsonl", format="birdsong")


@pytest.mark.parametrize(
    ("entry", "lack"),
    [
        (TrainingFormat("a", "", ("k",), reads=read), "has no `title`"),
        (TrainingFormat("a", "A", (), reads=read), "has no `keys`"),
        (TrainingFormat("alpaca", "A", ("k",), reads=read), "already a training format `alpaca`"),
        (TrainingFormat("csv", "A", ("k",), reads=read), "can't be a training format"),
        (TrainingFormat("a", "A", ("k",), reads=read, talks=write), "and no examples by `writes`"),
    ],
)
def test_an_incomplete_format_is_refused(entry: TrainingFormat, lack: str) -> None:
    with pytest.raises(UsageError, match=lack):
        register(entry)
