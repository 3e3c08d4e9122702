"""Jinja templates: checked before a run, in the sandbox, with data as values only."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fabula.errors import SpecError
from tests.engines.builders import made, violation

COLUMNS: dict[str, dict[str, Any]] = {
    "a": {"kind": "constant", "value": "x{{ 7*7 }}"},
    "n": {"kind": "constant", "value": None},
    "d": {"kind": "constant", "value": dt.date(2024, 5, 6)},
    "f": {"kind": "constant", "value": 2.5},
    "k": {"kind": "key"},
    "flag": {"kind": "constant", "value": True},
}


def with_text(text: str) -> dict[str, Any]:
    return {"t": {"n": 2, "columns": {**COLUMNS, "x": {"kind": "template", "text": text}}}}


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        (
            "{{ a",
            "spec.bad-template",
            "column `x`: the template is not valid: unexpected end",
            None,
        ),
        ("{% if a %}", "spec.bad-template", "Unexpected end of template", None),
        ("{{ a | nope }}", "spec.bad-template", "No filter named 'nope'. (line 1)", None),
        ("{{ [1, 2] | random }}", "spec.bad-template", "No filter named 'random'.", None),
        ("{% include 'x' %}", "spec.bad-template", "it can't include other files", None),
        ("{% import 'x' as y %}", "spec.bad-template", "it can't include other files", None),
        ("{% extends 'x' %}", "spec.bad-template", "it can't include other files", None),
        ("{{ aa }}", "spec.unknown-column", "column `x` uses `aa`, which no", "did you mean `a`?"),
        ("{{ lipsum() }}", "spec.unknown-column", "column `x` uses `lipsum`, which no", None),
        ("{{ k.a }} {{ b }}", "spec.unknown-column", "column `x` uses `b`, which no column", ...),
    ],
)
def test_a_template_that_can_not_work_is_named_before_the_run(
    text: str, code: str, message: str, hint: Any
) -> None:
    found = violation(with_text(text))
    assert (found.code, found.where) == (code, "tables.t.columns.x.text")
    assert message in found.message
    assert hint in (..., found.hint)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ a.__class__ }}",
        "{{ a.__class__.__mro__[1].__subclasses__() }}",
        "{{ a | attr('__class__') }}",
        "{{ a['__class__'] }}",
        "{{ (1).__class__ }}",
        "{{ '{0.__class__}'.format(a) }}",
        "{{ range(10 ** 9) }}",
        "{{ f.nope }}",
        "{{ k + 'x' }}",
        "{{ 1 / 0 }}",
    ],
)
def test_the_sandbox_holds(text: str) -> None:
    """No way from a template to Python's insides, and failures name the column."""
    with pytest.raises(SpecError) as caught:
        made(with_text(text)["t"]["columns"], 2)
    assert caught.value.code == "engine.template"
    assert caught.value.where == "tables.t.columns.x.text"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{ a }}", "x{{ 7*7 }}"),
        ("{{ a }}{# c #}", "x{{ 7*7 }}"),
        ("{{a|upper}}-{{ k }}", "X{{ 7*7 }}-1"),
        ("{{ n }}.", "."),
        ("{{ n }}.{# c #}", "."),
        ("{{ a|title }}{{ n }}", "X{{ 7*7 }}"),
        ("line\n", "line\n"),
        ("{{ k }}\n", "1\n"),
        ("{{ k * 2 }}\n", "2\n"),
        ("{{ d }} {{ d.year }}", "2024-05-06 2024"),
        ("{{ d }} {{ f }} {{ flag }}", "2024-05-06 2.5 True"),
        ("{{ d }} {{ f }} {{ flag }}{# c #}", "2024-05-06 2.5 True"),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
        ("{% set y = k %}{{ y }}", "1"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}"),
        ("{{ 'é😀' }}", "é😀"),
        ("} {% if flag %}{{ k }}{% else %}no{% endif %} {", "} 1 {"),
    ],
)
def test_templates_print_the_same_in_bulk_and_row_by_row(text: str, result: str) -> None:
    assert made(with_text(text)["t"]["columns"], 2)["x"][0].as_py() == result
