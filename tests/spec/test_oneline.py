"""Specs on one line."""

from __future__ import annotations

import contextlib
import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.errors import SpecError
from fabula.kinds import KINDS
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.oneline import parse_line


def columns(text: str) -> dict[str, AbstractColumn]:
    """The columns that a line describes."""
    return dict(parse_line(text).tables["rows"].columns)


def test_the_line_of_the_guide_is_three_columns() -> None:
    """Journey (a)."""
    assert columns("name person.name, age int 18..90, plan choice free|pro") == {
        "name": col.person("name"),
        "age": col.uniform(18, 90, decimals=0),
        "plan": col.choice(["free", "pro"]),
    }


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("key", col.key()),
        ("person", col.person()),
        (
            "person.city locale=de nulls=0.1 unique",
            col.person("city", locale="de", nulls=0.1, unique=True),
        ),
        ("provider.finance.company", col.provider("finance.company")),
        ("int", col.uniform(0, 100, decimals=0)),
        ("int -5..5", col.uniform(-5, 5, decimals=0)),
        ("float 0.5..99 decimals=2", col.uniform(0.5, 99, decimals=2)),
        ("bool", col.bernoulli()),
        ("bool 0.1", col.bernoulli(0.1)),
        ("date 2020..2024", col.datetime(dt.date(2020, 1, 1), dt.date(2025, 1, 1), date=True)),
        (
            "datetime 2020-05-01..2020-05-31",
            col.datetime(dt.date(2020, 5, 1), dt.date(2020, 6, 1)),
        ),
        ("choice free:3|pro", col.choice(["free", "pro"], weights=[3, 1])),
        ("choice 1|2.5|true|x", col.choice([1, 2.5, True, "x"])),
        ("choice 'New York'|\"a, b\"|O", col.choice(["New York", "a, b", "O"])),
        (r"pattern /[A-Z]{3}, \d\/x/", col.pattern(r"[A-Z]{3}, \d/x")),
        ("pattern [A-Z]{3}", col.pattern("[A-Z]{3}")),
        (r"pattern '\d{3}-\d{2}'", col.pattern(r"\d{3}-\d{2}")),
        (r'pattern "\d{3}, \"x\""', col.pattern(r'\d{3}, "x"')),
        (r'pattern regex="\d{3}"', col.pattern(r"\d{3}")),
        ("normal 70 12 min=1", col.normal(70, 12, min=1)),
        ("normal '20 * size' 3", col.normal("20 * size", 3)),
        ("expr (a + b)", col.expr("(a + b)")),
        ("sequence 2024-01-01 1d", col.sequence(dt.date(2024, 1, 1), "1d")),
        (
            "llm 'a note, short' type=[a, b] drop",
            col.llm("a note, short", type=["a", "b"], drop=True),
        ),
        ("text 'About {{ b }}'", col.text("About {{ b }}")),
        ("constant '00123'", col.constant("00123")),
    ],
)
def test_a_column_is_written_in_few_words(text: str, column: AbstractColumn) -> None:
    assert columns(f"a {text}, b key") == {"a": column, "b": col.key()}


def test_names_may_be_any_words() -> None:
    assert list(columns("größe int, 名 int, class int, a.b int")) == ["größe", "名", "class", "a.b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the spec is empty"),
        (" \n ", "the spec is empty"),
        ("a int,", "a column is missing after a comma"),
        ("a int,,b int", "a column is missing at `,b int`"),
        ("a text 'x", "a quote is not closed at `'x`"),
        ("a", "column `a` has no kind (in `a`)"),
        ("a chioce x|y", "column kind `chioce` does not exist (in `a chioce x|y`)"),
        ("a int 1-5", "write the range as `0..100`, not `1-5` (in `a int 1-5`)"),
        ("a int 1..x", "`x` is not a number"),
        ("a date 1..x", "write dates as `2024` or `2024-06-30`, not `x`"),
        ("a choice", "`choice` needs values"),
        ("a choice x y", "separate the values"),
        ("a key 3", "`key` takes nothing, not `3`"),
        ("a reference", "`reference` needs `to`"),
        ("a int.x 1..2", "`int` has no field"),
        ("a person.nmae", "`field` can't be `nmae` (in `a person.nmae`)"),
        ("a normal mu=3", "a `normal` column has no key `mu`"),
        ("a int, a int", "column `a` is given twice"),
        ("a key nulls=2", "`nulls` must be at most 1, not 2"),
    ],
)
def test_a_wrong_part_is_named(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_line(text)
    assert message in caught.value.message
    assert caught.value.hint


def test_every_wrong_part_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        parse_line("a int 1-5, b key, c chioce x, d")
    assert [item.where for item in caught.value.violations] == [
        "tables.rows.columns.a",
        "tables.rows.columns.c",
        "tables.rows.columns.d",
    ]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"function"}))
def test_every_kind_can_be_named(kind: str) -> None:
    needed = {
        "constant": "1",
        "reference": "x",
        "choice": "a|b",
        "gamma": "1",
        "beta": "1 2",
        "pareto": "1",
        "weibull": "1.5",
        "lomax": "2",
        "gompertz": "1",
        "triangular": "min=0 mode=1 max=2",
        "duration": "max=2h",
        "poisson": "3",
        "binomial": "3 0.5",
        "learned": "file=people.fabula",
        "mixture": "of=[{kind: normal}]",
        "pattern": "/a/",
        "template": "x",
        "document": "template=invoice",
        "speech": "text=b",
        "image": "x model=openai:any",
        "video": "b",
        "file_detail": "b",
        "expr": "'1 + 1'",
        "provider": "code.isbn",
        "series": "day",
        "text": "x",
        "judge": "b 'is it good'",
        "reasoning": "b",
        "program": "x",
    }
    assert columns(f"a {kind} {needed.get(kind, '')}")["a"].kind == kind


@given(st.text(max_size=60))
def test_any_text_is_a_spec_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(SpecError):
        assert parse_line(text).tables["rows"].columns


def test_long_lines_take_linear_time() -> None:
    started = time.process_time()
    assert len(columns(", ".join(f"c{i} int 0..{i}" for i in range(500)))) == 500
    with pytest.raises(SpecError):
        parse_line("a choice " + "x|" * 100_000 + "'")
    assert time.process_time() - started < 5
