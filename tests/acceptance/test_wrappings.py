"""Replies in every wrapping that models and servers put around their JSON, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

import fabula as fb
from fabula.errors import PartialRunError
from fabula.testing import ChatServer, Reply
from fabula.testing.replies import invalid_envelope
from tests.acceptance.builders import at

ADA: dict[str, Any] = {"name": "Ada", "note": 'it\'s "new"', "tags": ["a"]}
BO: dict[str, Any] = {"name": "Bo", "note": "plain", "tags": []}
PEOPLE = [ADA, BO]
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "note": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "note", "tags"],
}


YAML = """\
- name: Ada
  note: "it's \\"new\\""
  tags: ["a"]
- name: Bo
  note: plain
  tags: []
"""


def content(value: Any) -> Reply:
    """A reply whose content is not text."""
    return Reply(message={"role": "assistant", "content": value})


def twice(value: Any) -> str:
    """JSON in a string of JSON."""
    return json.dumps(json.dumps(value))


ROWS = {
    "a string of JSON": twice({"rows": PEOPLE}),
    "a string of a string of JSON": json.dumps(twice(PEOPLE)),
    "a string of JSON in a fence": f"```json\n{twice(PEOPLE)}\n```",
    "a string of JSON after prose": f"Here it is: {twice({'rows': PEOPLE})}",
    "rows as a string": json.dumps({"rows": json.dumps(PEOPLE)}),
    "each row a string": json.dumps({"rows": [json.dumps(row) for row in PEOPLE]}),
    "a list as a string": json.dumps([{**row, "tags": json.dumps(row["tags"])} for row in PEOPLE]),
    "another key": json.dumps({"people": PEOPLE}),
    "a count besides the list": json.dumps({"n": 2, "people": PEOPLE}),
    "Python": str({"rows": PEOPLE}),
    "Python after prose": f"It's done:\n{PEOPLE}",
    "columns with row numbers": json.dumps(
        {name: {str(row): PEOPLE[row][name] for row in range(2)} for name in ADA}
    ),
    "YAML": YAML,
    "YAML under a key, after prose": f"Here are the rows:\n\nrows:\n{YAML}",
    "JavaScript": 'const rows = [{name: "Ada", note: \'it\\\'s "new"\', tags: ["a"]},\n'
    '{name: "Bo", note: "plain", tags: []}];',
    "curly quotes": '[{“name”: “Ada”, “note”: “it\'s "new"”, “tags”: [“a”]},'
    " {“name”: “Bo”, “note”: “plain”, “tags”: []}]",
    "content is an object": content({"rows": PEOPLE}),
    "content is the rows": content(PEOPLE),
}


@pytest.mark.parametrize("reply", ROWS.values(), ids=ROWS)
def test_rows_are_read_from_any_wrapping_at_once(reply: str | Reply) -> None:
    with ChatServer([reply], refuse=["json_schema", "tools", "json_object"]) as server:
        made = fb.rows(SCHEMA, prompt="people", n=2, model=at(server), attempts=0)
    assert made == PEOPLE


LABELS = {
    "numbered": "1. Name: Ada\n   Age: 36\n\n2. Name: Bo\n   Age: 7",
    "numbered and bold": "1. **Name:** Ada\n   **Age:** 36\n\n2. **Name:** Bo\n   **Age**: 7",
    "paragraphs": "**Name:** Ada\n**Age:** 36\n\n**Name:** Bo\n**Age:** 7",
    "the inside of a string": json.dumps(
        json.dumps([{"name": "Ada", "age": 36}, {"name": "Bo", "age": 7}])
    )[1:-1],
}


@pytest.mark.parametrize("text", LABELS.values(), ids=LABELS)
def test_rows_are_read_from_labels_line_by_line(text: str) -> None:
    fields = {"name": {"type": "string"}, "age": {"type": "integer"}}
    schema = {"properties": fields, "required": list(fields)}
    with ChatServer([Reply(text, as_text=True)]) as server:
        made = fb.rows(schema, prompt="people", n=2, model=at(server), attempts=0)
    assert made == [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 7}]


LISTS = {
    "YAML": (f"```yaml\nobjects:\n{YAML}```", PEOPLE),
    "bare list": (json.dumps(PEOPLE), PEOPLE),
    "empty list": ("[]", []),
    "empty list after prose": ("There are none: []", []),
    "another key": (json.dumps({"actors": PEOPLE}), PEOPLE),
    "another key, empty": ('{"actors": []}', []),
    "wrapped in a list": (json.dumps([{"objects": PEOPLE}]), PEOPLE),
    "nested keys": (json.dumps({"data": {"items": PEOPLE}}), PEOPLE),
    "bare object": (json.dumps(ADA), [ADA]),
    "object where the list belongs": (json.dumps({"objects": ADA}), [ADA]),
    "one object a line": ("\n".join(map(json.dumps, PEOPLE)), PEOPLE),
    "fence": (f"```json\n{json.dumps(PEOPLE)}\n```", PEOPLE),
    "a string of JSON": (twice({"objects": PEOPLE}), PEOPLE),
    "the list as a string": (json.dumps({"objects": json.dumps(PEOPLE)}), PEOPLE),
    "Python": (str({"objects": PEOPLE}), PEOPLE),
    "a draft before the answer": (f"{json.dumps([BO])}\nWait, two:\n{json.dumps(PEOPLE)}", PEOPLE),
    "content is the objects": (content(PEOPLE), PEOPLE),
}


@pytest.mark.parametrize(("reply", "expected"), LISTS.values(), ids=LISTS)
def test_objects_of_a_text_are_read_from_any_wrapping(
    reply: str | Reply, expected: list[dict[str, Any]]
) -> None:
    with ChatServer([reply], refuse=["json_schema", "tools", "json_object"]) as server:
        made = fb.extract(["a text"], SCHEMA, many=True, model=at(server), attempts=0)
    assert made == [expected]


@pytest.mark.parametrize(
    "reply",
    [
        "{}",
        '{"objects": null}',
        json.dumps({"actors": [ADA], "people": [BO]}),
        '{"objects": [{"name": "Ada", "no',
        json.dumps({"name": "Ada", "age": 3}),
        "[{'name': 'O'Neil', 'note': '', 'tags': []}]",
    ],
    ids=["empty object", "null", "two lists", "cut", "half an object", "unescaped apostrophe"],
)
def test_a_list_that_is_not_sure_is_asked_again(reply: str) -> None:
    script = [reply, json.dumps({"objects": [BO]})]
    with ChatServer(script, refuse=["json_schema", "tools", "json_object"]) as server:
        assert fb.extract(["a text"], SCHEMA, many=True, model=at(server)) == [[BO]]
    assert len(server.calls) == 3 + 2


def test_verified_texts_take_a_bare_list() -> None:
    script = ["Tom Hanks starred in Big.", '[{"actor": "Tom Hanks", "film": "Big"}]']
    item = {"actor": "Tom Hanks", "film": "Big"}
    with ChatServer(script) as server:
        [made] = fb.describe([item], verify=True, model=at(server))
    assert made["text"] == script[0]
    assert len(server.calls) == 2


def test_an_empty_content_is_no_empty_list() -> None:
    with ChatServer(lambda _: content([])) as server, pytest.raises(PartialRunError) as caught:
        fb.extract(["a text"], SCHEMA, many=True, model=at(server), attempts=0)
    assert "empty" in caught.value.message


ENVELOPE = {"choices": [{"message": {"content": json.dumps(PEOPLE)}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "data": ENVELOPE},
        {"success": True, "result": ENVELOPE},
        [ENVELOPE],
        {"choices": [{"message": {"parsed": PEOPLE}, "finish_reason": "stop"}]},
        {
            "choices": [
                {
                    "message": {"content": [{"type": "text", "text": {"value": str(PEOPLE)}}]},
                    "finish_reason": "stop",
                }
            ]
        },
    ],
    ids=["data", "result", "a list", "parsed", "a text with a value"],
)
def test_an_answer_is_found_where_a_gateway_puts_it(body: Any) -> None:
    with ChatServer([invalid_envelope(json.dumps(body))]) as server:
        assert fb.rows(SCHEMA, n=2, prompt="people", model=at(server)) == PEOPLE
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("kind", "reply", "value"),
    [
        ({"type": "integer", "maximum": 5}, "4", 4),
        ({"type": "integer", "maximum": 5}, "**4**", 4),
        ({"type": "boolean"}, "True", True),
        ({"enum": ["good", "bad"]}, '"good"', "good"),
    ],
)
def test_a_bare_value_is_the_one_field_of_one_row(
    kind: dict[str, Any], reply: str, value: Any
) -> None:
    with ChatServer([Reply(reply, as_text=True)]) as server:
        made = fb.rows({"properties": {"grade": kind}}, n=1, prompt="a grade", model=at(server))
    assert made == [{"grade": value}]


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ({"type": "string"}, "I would say good"),
        ({"type": "integer", "maximum": 5}, "8/10"),
        ({"type": "integer", "maximum": 5}, "9"),
        ({"enum": ["good", "bad"]}, "not bad"),
    ],
)
def test_words_of_a_model_are_no_bare_value(kind: dict[str, Any], reply: str) -> None:
    good = {"enum": "good", "string": "good"}.get(kind.get("type", "enum"), 3)
    again = Reply(json.dumps({"rows": [{"grade": good}]}), as_text=True)
    with ChatServer([Reply(reply, as_text=True), again]) as server:
        made = fb.rows({"properties": {"grade": kind}}, n=1, prompt="a grade", model=at(server))
    assert made == [{"grade": good}]
    assert len(server.calls) == 2
