"""What `fb.rows` takes as the shape of a row, besides classes and JSON Schemas."""

from __future__ import annotations

import pytest

import fabula as fb


def test_a_sentence_that_lists_fields_is_a_schema() -> None:
    """The same sentence that `rehearse` and `generate` take; it is the prompt, too."""
    made = fb.rows("knights: name, motto, age (years)", n=3, model="fake")
    assert [list(row) for row in made] == [["name", "motto", "age (years)"]] * 3
    with pytest.raises(fb.FabulaError, match="not a list of fields"):
        fb.rows("name person.name", n=3, model="fake")


def test_rows_without_a_prompt_are_refused() -> None:
    with pytest.raises(fb.FabulaError, match="needs `prompt`"):
        fb.rows({"properties": {"a": {"type": "string"}}}, n=2, model="fake")
