"""A draft before the answer never becomes rows, however a model marks it, over real HTTP."""

from __future__ import annotations

import json

import pytest

import fabula as fb
from fabula.testing import ChatServer, Reply
from tests.acceptance.builders import at
from tests.acceptance.conftest import Run

ROWS = [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 7}]
SCHEMA = {
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
ANSWER = json.dumps(ROWS)
DRAFT = json.dumps([{"name": "DRAFT", "age": 1}, {"name": "DRAFT2", "age": 2}])
TABLE, DRAFT_TABLE = "name,age\nAda,36\nBo,7", "name,age\nDRAFT,1\nDRAFT2,2"
MARKDOWN = "| name | age |\n| --- | --- |\n| Ada | 36 |\n| Bo | 7 |"
YAML = "- name: Ada\n  age: 36\n- name: Bo\n  age: 7"
FRAME = '{"column_names": ["name", "age"], "data": [["Ada", 36], ["Bo", 7]]}'

REPLIES = {
    **{
        tag: f"<{tag}>{DRAFT}</{tag.partition(' ')[0]}>\n{ANSWER}"
        for tag in ("analysis", "reason", "antThinking", "inner_monologue", "draft", "think id=1")
    },
    "brackets": f"[REASONING]{DRAFT}[/REASONING]{ANSWER}",
    "a fold": f"<details><summary>Thinking</summary>{DRAFT}</details>\n{ANSWER}",
    "a quotation": f"> Thinking: {DRAFT}\n\n{ANSWER}",
    "German": f"Gedanken: {DRAFT}\n\nEndgültige Antwort:\n{ANSWER}",
    "French": f"Réflexion : {DRAFT}\n\nRéponse finale :\n{ANSWER}",
    "Russian": f"Рассуждение: {DRAFT}\n\nИтоговый ответ:\n{ANSWER}",
    "Chinese": f"思考：{DRAFT}\n\n最终答案：\n{ANSWER}",
    "Japanese": f"考え：{DRAFT}\n最終回答：{ANSWER}",
    "two fences": f"First:\n```json\n{DRAFT}\n```\n\nSecond:\n```json\n{ANSWER}\n```",
    "frames": f"{FRAME.replace('Ada', 'DRAFT')}\nor rather\n{FRAME}",
    "a frame, then rows": f"{FRAME.replace('Ada', 'DRAFT')}\n\n{ANSWER}",
    "CSV in two fences": f"```csv\n{DRAFT_TABLE}\n```\nSecond:\n```csv\n{TABLE}\n```",
    "CSV with a second header": f"Draft:\n{DRAFT_TABLE}\n\nSecond:\n{TABLE}",
    "CSV, then JSON": f"{DRAFT_TABLE}\n\n{ANSWER}",
    "JSON, then CSV": f"{DRAFT}\n\n{TABLE}",
    "JSON, then CSV in a fence": f"```json\n{DRAFT}\n```\nAs CSV:\n```csv\n{TABLE}\n```",
    "JSON, then a Markdown table": f"{DRAFT}\n\n{MARKDOWN}",
    "JSON, then YAML": f"{DRAFT}\n\nBetter:\n\n{YAML}",
    "YAML, then JSON": f"{YAML.replace('Ada', 'DRAFT')}\n\nBetter:\n{ANSWER}",
    "YAML, then CSV": f"{YAML.replace('Ada', 'DRAFT')}\n\n{TABLE}",
    "CSV, then YAML": f"{DRAFT_TABLE}\n\n{YAML}",
    "half a JSON, then CSV": f"{DRAFT[:-1]}\n\n{TABLE}",
    "a frame, then CSV": f"{FRAME.replace('Ada', 'DRAFT')}\n\n{TABLE}",
    "CSV, then a frame": f"{DRAFT_TABLE}\n\n{FRAME}",
    "JSON, then words": f"{ANSWER}\n\nname, age: as asked, two rows.",
}
PARTS = {
    "an object a line": "\n".join(map(json.dumps, ROWS)),
    "a fence each": "".join(f"```json\n[{json.dumps(row)}]\n```\n" for row in ROWS),
    "CSV in a fence each": "```csv\nname,age\nAda,36\n```\n```csv\nname,age\nBo,7\n```",
    "CSV with the header again": "name,age\nAda,36\n\nname,age\nBo,7",
}


@pytest.mark.parametrize("text", {**REPLIES, **PARTS}.values(), ids={**REPLIES, **PARTS})
def test_the_last_whole_answer_counts_and_parts_of_one_are_joined(text: str) -> None:
    with ChatServer([Reply(text, as_text=True)]) as server:
        made = fb.rows(SCHEMA, prompt="people", n=2, model=at(server), attempts=0)
    assert made == ROWS
    assert len(server.calls) == 1


UNREAD = {
    "XML": "<rows>\n<row><name>Ada</name><age>36</age></row>\n</rows>",
    "TOML": '[[rows]]\nname = "Ada"\nage = 36',
    "SQL": "INSERT INTO people (name, age) VALUES\n('Ada', 36), ('Bo', 7);",
}


@pytest.mark.parametrize("answer", UNREAD.values(), ids=UNREAD)
@pytest.mark.parametrize("draft", ["", f"{DRAFT}\n\n"], ids=["alone", "after a draft"])
def test_an_answer_in_a_notation_that_is_not_read_is_asked_again(draft: str, answer: str) -> None:
    with ChatServer([Reply(draft + answer, as_text=True), ANSWER]) as server:
        made = fb.rows(SCHEMA, prompt="people", n=2, model=at(server))
    assert made == ROWS
    assert "\n- the reply" in server.calls[1].prompt


NUMBERED = "1.\nInput: Ada\nOutput: 36\n\n2.\nInput: Bo\nOutput: 7"
SIDES = '[{"name": "Ada", "age": "36"}, {"name": "Bo", "age": "7"}]'


@pytest.mark.parametrize(
    "text",
    [
        f"{SIDES.replace('Ada', 'DRAFT')}\n\n{NUMBERED}",
        f"Draft: {SIDES.replace('Ada', 'DRAFT')}\n\nAgain:\n\n{NUMBERED}",
        f"{NUMBERED.replace('Ada', 'DRAFT')}\n\nOr as JSON:\n{SIDES}",
    ],
    ids=["JSON, then numbers", "words and JSON, then numbers", "numbers, then JSON"],
)
def test_the_last_whole_answer_of_pairs_counts(text: str) -> None:
    with ChatServer([Reply(text, as_text=True)]) as server:
        made = fb.pairs("name -> age", n=2, model=at(server))
    assert [(row["name"], row["age"]) for row in made.rows] == [("Ada", "36"), ("Bo", "7")]
    assert len(server.calls) == 1


SPEC = '{"tables": {"items": {"n": 3, "columns": {"id": {"kind": "key"}}}}}'


@pytest.mark.parametrize(
    "replies",
    [
        [f"{SPEC.replace('items', 'draft')}\n\nBetter:\n\n{SPEC}"],
        [f"{SPEC.replace('items', 'draft')}\n\nBetter:\n\n{SPEC[:-3]}", SPEC],
        [SPEC.replace("items", "draft")[:-2], SPEC],
    ],
    ids=["a draft", "a draft, then half a spec", "half a spec"],
)
def test_the_last_whole_spec_counts(replies: list[str], fabula: Run) -> None:
    with ChatServer([Reply(text, as_text=True) for text in replies]) as server:
        ended = fabula("init", "--prompt", "three items", "-o", "spec.yaml", server=server)
    assert ended.code == 0, ended.err
    assert list(fb.load("spec.yaml").tables) == ["items"]
    assert len(server.calls) == len(replies)


def test_the_last_list_of_an_extraction_counts() -> None:
    draft = '[{"actor": "DRAFT", "film": "X"}]'
    text = f"{draft}\n\nFinal list:\n\n- actor: Tom Hanks\n  film: Big\n- actor: Ada\n  film: Up"
    names = {"actor": {"type": "string"}, "film": {"type": "string"}}
    field = {"type": "array", "items": {"type": "object", "properties": names}}
    with ChatServer([Reply(text, as_text=True)]) as server:
        schema = {"properties": {"films": field}, "required": ["films"]}
        [row] = fb.rows(schema, prompt="actors", n=1, model=at(server))
    assert [film["actor"] for film in row["films"]] == ["Tom Hanks", "Ada"]
