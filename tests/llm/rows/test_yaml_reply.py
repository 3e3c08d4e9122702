"""Rows that a model writes as YAML, with and without prose, and what is never read as such."""

from __future__ import annotations

from typing import Any

import pytest

from fabula.llm.rows.job import RowField
from fabula.llm.rows.reply import ReplyReader
from fabula.llm.rows.row_check import compile_fields

FIELDS = (
    RowField("name", {"type": "string"}),
    RowField("zip", {"type": "string"}),
    RowField("rooms", {"type": "integer"}),
    RowField("note", {"anyOf": [{"type": "string"}, {"type": "null"}]}, required=False),
)
ANN = {"name": "Ann", "zip": "01234", "rooms": 3, "note": None}
BO = {"name": "Bo", "zip": "99999", "rooms": 12, "note": "null"}

LISTED = """\
- name: Ann
  zip: 01234
  rooms: 3
  note: null
- name: "Bo"
  zip: '99999'
  rooms: 12
  note: "null"
"""
WRAPPED = "rows:\n" + LISTED
INDENTED = "people:\n" + "".join(f"  {line}\n" for line in LISTED.splitlines())
PARAGRAPHS = """\
Name: Ann
ZIP: 01234
Rooms: 3
Note:

Name: Bo
ZIP: 99999
Rooms: 12
Note: 'null'
"""
BLOCK = LISTED.replace('"null"', "|-\n    null")

FORMS = {
    "a list": LISTED,
    "a wrapper": WRAPPED,
    "an indented list": INDENTED,
    "a fence": f"Here you are:\n\n```yaml\n{WRAPPED}```\nTell me if you need more!",
    "prose around it": f"Sure! Here are the rows:\n\n{LISTED}\nLet me know: I can write more.",
    "documents": "---\n" + LISTED.replace("- name", "---\nname").replace("\n  ", "\n"),
    "paragraphs": PARAGRAPHS,
    "a block text": BLOCK,
}


def read(text: str, *, asked: int = 2, cut: bool = False) -> list[Any]:
    check = compile_fields(FIELDS)
    reading = ReplyReader(FIELDS, check).read(text, asked=asked, cut=cut)
    return [check(item)[0] for item in reading.items if not check(item)[1]]


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_rows_in_yaml_are_read_with_every_digit(text: str) -> None:
    made = [{"note": None, **row} for row in read(text)]
    assert made == [ANN, BO]


def test_the_row_that_a_cut_reply_ended_in_is_left_out() -> None:
    assert read(LISTED[:-9], cut=True) == [ANN]
    assert read(WRAPPED[:-9], cut=True) == [ANN]
    assert read("name: Ann\nzip: 012", asked=1, cut=True) == []


@pytest.mark.parametrize(
    "text",
    [
        "- name: Ann\n  zip: 01234\n  rooms: 3\n  note: Suite #5",  # as written
        "- name: Ann\n  zip: 01234\n  rooms: 3\n  note: Suite # 5",  # a comment in YAML
        "- name: Ann\n  name: Bo\n  zip: 01234\n  rooms: 3",
        "- name: &a Ann\n  zip: *a\n  rooms: 3",
        "- name: Ann: the first\n  zip: 01234\n  rooms: 3",
        "The name: it matters.\nThe zip: so does this.\nRooms are few.",
        "name: [[[[" * 30,
    ],
)
def test_what_yaml_would_change_is_not_read(text: str) -> None:
    assert read(text, asked=1) == []
