"""`reasoning: keep` puts what a model thought alongside the rows that it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import SpecError, UsageError
from fabula.testing import Call, ChatServer, Reply
from tests.acceptance.builders import asked_rows, at
from tests.acceptance.conftest import Run

SPEC = """
tables:
  t:
    n: 4
    rows_per_call: 2
    {keep}
    columns:
      id: {{kind: key}}
      name: {{kind: llm}}
      blurb: {{kind: text, prompt: "Sell {{{{ name }}}}."}}
"""


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "t.jsonl").read_text().splitlines()]


def field(thought: str, text: str) -> Reply:
    message = {"role": "assistant", "content": text, "reasoning_content": thought}
    return Reply(message=message)


def tags(thought: str, text: str) -> str:
    return f"<think>\n{thought}\n</think>\n\n{text}"


def channels(thought: str, text: str) -> str:
    start = f"<|channel|>analysis<|message|>{thought}<|end|>"
    return f"{start}<|start|>assistant<|channel|>final<|message|>{text}"


def plain(_thought: str, text: str) -> str:
    return text


def thinking(wrap: Any) -> Any:
    """A script that thinks before it answers, with the number of its call."""

    def script(call: Call) -> Any:
        text = f"Buy it, says {call.number}."
        if '"name"' in call.prompt:
            rows = [
                {"row": i + 1, "name": f"Lamp {call.number}{i}"} for i in range(asked_rows(call))
            ]
            text = json.dumps({"rows": rows})
        return wrap(f"Thought {call.number}.", text)

    return script


@pytest.mark.parametrize("wrap", [field, tags, channels])
def test_reasoning_is_a_column(wrap: Any, fabula: Run, tmp_path: Path) -> None:
    """Rows asked together share one; it is there again when replies come from the ledger."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(keep="reasoning: keep"))
    with ChatServer(thinking(wrap), refuse=["json_schema", "tools", "json_object"]) as server:
        for folder in ("a", "b"):
            output = str(tmp_path / folder)
            ended = fabula("generate", str(spec), "--format", "jsonl", "-o", output, server=server)
            assert ended.code == 0, ended.err
    first, second = (rows_of(tmp_path / folder) for folder in ("a", "b"))
    assert first == second
    assert list(first[0]) == ["id", "name", "blurb", "reasoning"]
    parts = [row["reasoning"].split("\n\n") for row in first]
    assert parts[0][0] == parts[1][0] != parts[2][0] == parts[3][0]
    assert [part[1].split()[-1] for part in parts] == [row["blurb"].split()[-1] for row in first]


def test_only_columns_that_a_model_writes_have_reasoning() -> None:
    columns = {"id": {"kind": "key"}, "why": {"kind": "reasoning", "of": "id"}}
    with pytest.raises(SpecError, match="has no reasoning"):
        fb.plan({"tables": {"t": {"n": 1, "columns": columns}}})


def test_a_column_of_that_name_stays() -> None:
    columns = {"reasoning": {"kind": "llm"}}
    spec = fb.resolve({"tables": {"t": {"n": 1, "reasoning": "keep", "columns": columns}}})
    kinds = {name: column.kind for name, column in spec.tables["t"].columns.items()}
    assert kinds == {"reasoning": "llm", "model_reasoning": "reasoning"}


def test_without_reasoning_the_column_is_empty(fabula: Run, tmp_path: Path) -> None:
    """On the command line for any spec; without the option there is no column."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(keep="rows_per_call: 2").replace("    rows_per_call: 2\n", "", 1))
    with ChatServer(thinking(plain)) as server:
        told = fabula(
            "generate", str(spec), "--format", "jsonl", "-o", str(tmp_path / "a"), server=server
        )
        kept = fabula(
            "generate",
            str(spec),
            "--format",
            "jsonl",
            "-o",
            str(tmp_path / "b"),
            "--reasoning",
            "keep",
            server=server,
        )
    assert (told.code, kept.code) == (0, 0), kept.err
    assert list(rows_of(tmp_path / "a")[0]) == ["id", "name", "blurb"]
    assert [row["reasoning"] for row in rows_of(tmp_path / "b")] == [None] * 4


def pair_script(wrap: Any) -> Any:
    def script(call: Call) -> Any:
        rows = [
            {"row": i + 1, "question": f"Q{call.number}{i}?", "answer": "A."}
            for i in range(asked_rows(call))
        ]
        return wrap(f"Thought {call.number}.", json.dumps({"rows": rows}))

    return script


@pytest.mark.parametrize("wrap", [field, tags, channels])
def test_pairs_keep_their_reasoning(wrap: Any, fabula: Run, tmp_path: Path) -> None:
    """It can be put into what the assistant says, as sets with a chain of thought want it."""
    command = ["pairs", "question -> answer", "-n", "4", "--rows-per-call", "2"]
    command += ["--reasoning", "keep", "--format", "chat-jsonl"]
    command += ["--assistant", "<think>{{ reasoning }}</think>{{ answer }}"]
    command += ["-o", str(tmp_path / "p.jsonl")]
    with ChatServer(pair_script(wrap), refuse=["json_schema", "tools", "json_object"]) as server:
        ended = fabula(*command, server=server)
    assert ended.code == 0, ended.err
    lines = (tmp_path / "p.jsonl").read_text().splitlines()
    said = [json.loads(line)["messages"][1]["content"] for line in lines]
    assert len(said) == 4
    assert {text.partition(" ")[0] for text in said} == {"<think>Thought"}
    assert len(set(said)) == 2  # two calls


@pytest.mark.parametrize("wrap", [field, tags, plain])
def test_rows_keep_their_reasoning_where_they_are_dicts(wrap: Any) -> None:
    schema = {"properties": {"question": {"type": "string"}, "answer": {"type": "string"}}}
    asked = {"prompt": "a bank", "n": 2, "rows_per_call": 1}
    with ChatServer(pair_script(wrap)) as server:
        kept = fb.rows(schema, **asked, model=at(server), reasoning="keep")
        dropped = fb.rows(schema, **asked, model=at(server))
    assert [list(row) for row in kept] == [["question", "answer", "reasoning"]] * 2
    assert [{**row, "reasoning": None} for row in dropped] == [
        {**row, "reasoning": None} for row in kept
    ]
    thought = [row["reasoning"] for row in kept]
    assert thought == ([None] * 2 if wrap is plain else ["Thought 1.", "Thought 2."])


@pytest.mark.parametrize(
    ("schema", "reasoning", "told"),
    [
        (None, "keep", "only rows that are dicts"),
        ({"properties": {"reasoning": {"type": "string"}}}, "keep", "a field is called"),
        ({"properties": {"name": {"type": "string"}}}, "yes", "`keep` or `drop`, not 'yes'"),
    ],
)
def test_reasoning_that_has_no_place_is_refused(schema: Any, reasoning: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fb.rows(schema, prompt="x", n=1, model="fake", reasoning=reasoning)


def test_generate_keeps_reasoning_by_an_option_and_refuses_other_words() -> None:
    spec = {"tables": {"t": {"n": 1, "prompt": "people", "columns": {"name": {"kind": "llm"}}}}}
    with ChatServer([Reply('<think>a plain name</think>{"name": "Ada"}', as_text=True)]) as server:
        made = fb.generate(spec, model=at(server), reasoning="keep")
    assert made.to_dicts() == [{"name": "Ada", "reasoning": "a plain name"}]
    wrong: Any = "yes"
    with pytest.raises(UsageError, match="`keep` or `drop`"):
        fb.generate(spec, model="fake", reasoning=wrong)
