"""What a pair holds, and how attributes are dealt out."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from fabula.augment.pairs.attributes import dealt, exact_shares, read_attribute
from fabula.augment.pairs.fields import pair_fields
from fabula.errors import UsageError


class Ticket(BaseModel):
    """A ticket with its answer."""

    subject: str
    body: str
    answer: str


@pytest.mark.parametrize("arrow", ["→", "->", "=>", " ⇒ "])
def test_a_sentence_with_an_arrow_names_the_fields(arrow: str) -> None:
    fields = pair_fields(f"product name and category {arrow} description")
    assert fields.input_names == ("product_name", "category")
    assert fields.output_names == ("description",)


def test_heads_brackets_and_lists_are_understood() -> None:
    fields = pair_fields("support tickets: question (one, polite sentence), mood → answer & title")
    assert fields.subject == "support tickets"
    assert fields.input_names == ("question", "mood")
    assert fields.inputs[0].description == "one, polite sentence"
    assert fields.output_names == ("answer", "title")


def test_lists_and_classes_declare_fields_too() -> None:
    named = pair_fields("shop items", inputs="product,category", outputs=["description"])
    assert (named.subject, named.input_names) == ("shop items", ("product", "category"))
    assert pair_fields(Ticket).output_names == ("answer",)
    assert pair_fields(Ticket, outputs="subject").input_names == ("body", "answer")
    assert pair_fields(Ticket, inputs="subject").output_names == ("body", "answer")


@pytest.mark.parametrize(
    "wanted", ["product", "a → b → c", "→ b", "a →", "a and a → b", "a → a", "", None]
)
def test_a_shape_that_is_none_is_refused(wanted: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        pair_fields(wanted)
    assert caught.value.code == "usage.pair-fields"
    assert caught.value.hint


def test_an_unknown_field_of_a_class_is_refused_with_a_hint() -> None:
    with pytest.raises(UsageError, match="no field `anser`") as caught:
        pair_fields(Ticket, outputs="anser")
    assert caught.value.hint == "did you mean `answer`?"


def test_attributes_are_exact_and_crossed() -> None:
    rows = dealt({"topic": ["billing", "login", "refund"], "tone": ["calm", "angry"]}, 60)
    assert Counter(row["topic"] for row in rows) == {"billing": 20, "login": 20, "refund": 20}
    assert set(Counter(tuple(row.values()) for row in rows).values()) == {10}
    topics = [row["topic"] for row in rows]
    assert topics == sorted(topics)  # calls at the same time are about different things


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.lists(st.integers(0, 5), min_size=1, max_size=4).filter(any),
    st.integers(0, 90),
)
def test_shares_are_exact_whatever_the_weights(first: list[int], second: list[int], n: int) -> None:
    """Each count is its share, rounded up or down; the counts add up to n."""
    weights = {"a": dict(enumerate(first)), "b": dict(enumerate(second))}
    rows = dealt(weights, n)
    assert len(rows) == n
    for name, wanted in weights.items():
        counts = Counter(row[name] for row in rows)
        for value, weight in wanted.items():
            assert abs(counts[value] - n * weight / sum(wanted.values())) < 1


def test_three_attributes_keep_their_shares() -> None:
    levels = {"a": [1, 2, 3], "b": list("xyz"), "c": ["p", "q"]}
    rows = dealt(levels, 90)
    assert set(Counter(tuple(row.values()) for row in rows)) == set(product(*levels.values()))
    for name, values in levels.items():
        assert set(Counter(row[name] for row in rows).values()) == {90 // len(values)}


def test_largest_remainders_are_rounded_up() -> None:
    assert exact_shares({"train": 0.9, "test": 0.1}, 25) == {"train": 23, "test": 2}
    assert exact_shares({"a": 1, "b": 1, "c": 1}, 2) == {"a": 1, "b": 1, "c": 0}


def test_attributes_are_read_from_the_command_line() -> None:
    assert read_attribute("topic=billing, login") == ("topic", {"billing": 1.0, "login": 1.0})
    assert read_attribute("t=a:3,http://x") == ("t", {"a": 3.0, "http://x": 1.0})
    for text in ("topic", "=a", "topic=", "topic=,"):
        with pytest.raises(UsageError):
            read_attribute(text)
    for values in ([], "abc", {"a": 0}, {"a": -1, "b": 2}):
        with pytest.raises(UsageError):
            dealt({"topic": values}, 3)
