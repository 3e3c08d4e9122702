"""What the editor offers at the caret, by the JSON Schema and the names of the spec."""

from __future__ import annotations

import pytest

from fabula.web.completing import completions

TOWNS = """fabula: 1
models:
  writer: {provider: fake}
tables:
  towns:
    n: 5
    columns:
      id: {kind: key}
      name: {kind: text, prompt: x, model: writer}
"""


def offered(marked: str) -> list[str]:
    """The labels at the place that `|` marks."""
    before, _, after = marked.partition("|")
    return [choice["label"] for choice in completions(before, after)["choices"]]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("ta|", "tables"),
        (TOWNS + "      size: {k|", "kind"),
        (TOWNS + "      size: {kind: logn|", "lognormal"),
        (TOWNS + "      size: {kind: choice, val|}\n      more: {kind: key}\n", "values"),
        (TOWNS + "      size:\n        kind: choice\n        balance: |", "random"),
        (TOWNS + "      size: {kind: choice, unique: |", "true"),
        (TOWNS + "      home: {kind: reference, to: |", "towns"),
        (TOWNS + "      more: {kind: text, model: w|", "writer"),
        (TOWNS + "    checks:\n      - {kind: unique, columns: [i|", "id"),
        (TOWNS + "    checks:\n      - kind: unique\n        columns:\n          - n|", "name"),
        ("models:\n  w: {provider: opena|", "openai"),
        ('{"tables": {"a": {"n": 1, "col|"}}}', "columns"),
    ],
)
def test_keys_kinds_values_and_names_are_offered(marked: str, expected: str) -> None:
    assert expected in offered(marked)


def test_only_keys_that_are_not_there_yet_are_offered_and_those_that_are_needed_lead() -> None:
    """Keys below the caret count as well, and another kind's keys don't."""
    keys = offered(TOWNS + "      size:\n        kind: choice\n        |\n        balance: exact\n")
    assert keys[0] == "values"
    assert {"kind", "balance", "pattern"}.isdisjoint(keys)
    assert set(offered(TOWNS + "      size: {|")) == {"kind"}


def test_nothing_is_offered_where_a_name_is_free_or_a_comment_stands() -> None:
    for marked in (TOWNS + "      |", TOWNS + "# ki|", "a: [|", "- |", TOWNS + "    n: 3|"):
        assert offered(marked) == []


def test_a_choice_replaces_the_whole_word_and_keeps_a_colon() -> None:
    """What is written is the key with its colon, unless one follows."""
    told = completions("tab", "x: {}\n")
    assert (told["left"], told["right"]) == (3, 1)
    assert [choice["text"] for choice in told["choices"]] == ["tables"]
    assert completions("tab", "")["choices"][0]["text"] == "tables: "
    empty = completions(TOWNS + "      size: ", "\n")["choices"]
    assert [(choice["text"], choice["back"]) for choice in empty] == [("{kind: }", 1)]
