"""A placeholder that a model copies or leaves to its reader is asked again, over real HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import fabula as fb
from fabula.testing import ChatServer, Reply
from tests.acceptance.builders import as_reply, at
from tests.acceptance.conftest import Run

SCHEMA = {
    "properties": {
        "full_name": {"type": "string", "description": "first and last name"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["full_name", "age", "tags"],
}
GOOD = {"full_name": "Ada Byron", "age": 36, "tags": ["maths"]}
COPIES: dict[str, dict[str, Any]] = {
    "the form's ellipsis": {"full_name": "…"},
    "dots": {"full_name": "..."},
    "dots in brackets": {"full_name": "<...>"},
    "its name in angles": {"full_name": "<full_name>"},
    "its name in brackets": {"full_name": "[Full Name]"},
    "its name in braces": {"full_name": "{{ name }}"},
    "left to the reader": {"full_name": "[Your Name]"},
    "an order": {"full_name": "<insert a name here>"},
    "its type": {"full_name": "string"},
    "its type in angles": {"full_name": "<string>"},
    "its description": {"full_name": "First and last name."},
    "dots in a list": {"tags": ["maths", "..."]},
    "nothing in words": {"full_name": "null"},
    "a reference": {"full_name": "same as above"},
    "letters in a wrong code": {"full_name": "JosÃ©"},
    "half a character": {"full_name": "Ada \ud83d"},
    "a lost character": {"full_name": "Ada \ufffd"},
    "a name in a list": {"tags": ["<tag>", "[your tags]"]},
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copied_placeholder_is_asked_again_with_the_reason(change: dict[str, Any]) -> None:
    with ChatServer([json.dumps({**GOOD, **change}), as_reply(GOOD)]) as server:
        made = fb.rows(SCHEMA, prompt="people", n=1, model=at(server))
    assert made == [GOOD]
    told = r"write a real value|has a corrupted character"
    assert re.search(told, server.calls[1].prompt)


DATA: dict[str, dict[str, Any]] = {
    "markup": {"full_name": "<b>Ada</b>"},
    "a tag": {"tags": ["<div>", "[1]", "[redacted]", "{}"]},
    "an open end": {"full_name": "Ada, and so on..."},
    "a link": {"full_name": "[your page](https://a.example)"},
    "a type where types are wanted": {"tags": ["text", "number"]},
}


@pytest.mark.parametrize("change", DATA.values(), ids=DATA)
def test_what_only_looks_like_one_is_data(change: dict[str, Any]) -> None:
    with ChatServer([as_reply({**GOOD, **change})]) as server:
        made = fb.rows(SCHEMA, prompt="people", n=1, model=at(server), attempts=0)
    assert made == [{**GOOD, **change}]


def test_a_placeholder_in_the_users_own_words_is_data() -> None:
    row = {**GOOD, "full_name": "[Your Name]", "tags": ["..."]}
    words = 'people; a name that nobody knows is [Your Name], and a list without end holds "..."'
    with ChatServer([as_reply(row)]) as server:
        made = fb.rows(SCHEMA, prompt=words, n=1, model=at(server), attempts=0)
    assert made == [row]


@pytest.mark.parametrize(
    "row",
    [{"name": "Ada \ud83d", "age": 36}, {"name": "Ada", "age": 2**70}],
    ids=["half a character", "more than 64 bits"],
)
def test_a_value_that_no_table_can_hold_is_asked_again(row: dict[str, Any]) -> None:
    columns = {"name": {"kind": "llm"}, "age": {"kind": "llm", "type": "int"}}
    spec = {"tables": {"people": {"n": 1, "prompt": "people", "columns": columns}}}
    with ChatServer([json.dumps(row), as_reply({"name": "Ada", "age": 36})]) as server:
        data = fb.generate(spec, model=at(server))
    assert data["people"].to_pylist() == [{"name": "Ada", "age": 36}]
    assert len(server.calls) == 2


LETTER = "Dear [Customer Name],\nyour parcel is here.\nYours, [Your Name]"


@pytest.mark.parametrize(("asked", "calls"), [("A letter.", 2), ("The template of a letter.", 1)])
def test_a_letter_with_blanks_is_a_text_only_where_a_template_is_asked(
    asked: str, calls: int
) -> None:
    columns = {"id": {"kind": "key"}, "letter": {"kind": "text", "prompt": asked}}
    spec = {"tables": {"letters": {"n": 1, "columns": columns}}}
    with ChatServer([LETTER, "Dear Ada,\nyour parcel is here.\nYours, Bo"]) as server:
        data = fb.generate(spec, model=at(server))
    assert len(server.calls) == calls
    assert ("[" in data["letters"].to_pydict()["letter"][0]) == (calls == 1)


COPIED = {
    "CSV": "id,name,city\n1,<name>,<city>",
    "a repeated header": json.dumps({"name": "name", "city": "city"}),
    "YAML": "name: <name>\ncity: ...",
}


@pytest.mark.parametrize("text", COPIED.values(), ids=COPIED)
def test_a_form_that_comes_back_empty_costs_its_rows_by_name(text: str, fabula: Run) -> None:
    with ChatServer(lambda _: Reply(text, as_text=True)) as server:
        ended = fabula("generate", "people: name, city", "-n", "1", "-o", "out", server=server)
    assert ended.code == 4
    assert "placeholder" in ended.out + ended.err


def test_a_form_of_pairs_that_comes_back_empty_is_asked_again() -> None:
    replies = ["1.\nInput: <name>, <use>\nOutput: <description>", "Input: Mug, Tea\nOutput: Warm."]
    with ChatServer([Reply(text, as_text=True) for text in replies]) as server:
        made = fb.pairs("name, use -> description", n=1, model=at(server))
    assert [row["name"] for row in made.rows] == ["Mug"]
    assert len(server.calls) == 2
