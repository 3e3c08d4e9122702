"""How extracted values are compared with their source."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.describing.round_trip import Comparison, fields_to_read

VALUES = st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "B c", "ß", ""])
ITEMS = st.dictionaries(st.sampled_from("abc"), VALUES | st.lists(VALUES, max_size=4), min_size=1)


@given(ITEMS)
def test_what_comes_back_unchanged_is_exact(item: dict[str, Any]) -> None:
    """Whatever the values, none included."""
    score = Comparison().row(item, [item])
    assert score.verdict == "exact"
    assert all(not each.missed and not each.added for each in score.fields.values())


@given(st.lists(st.integers(), max_size=5), st.lists(st.integers(), max_size=5))
def test_found_and_missed_and_added_add_up(one: list[int], other: list[int]) -> None:
    score = Comparison(tolerance=0).row({"x": one}, [{"x": other}]).fields["x"]
    assert score.found + score.missed == len(one)
    assert score.found + score.added == len(other)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (10.0, 10.0000001, True),
        (10.0, 10.1, False),
        (1000, "1,000", True),
        ("Café  Noir", "cafe noir!", True),
        ("Green Mile", "The Green Mile", False),
        (True, True, True),
        (True, 1.0, True),
        ("!", "?", False),
    ],
)
def test_values_are_equal_after_normalisation(one: Any, other: Any, equal: bool) -> None:
    assert Comparison().row({"x": one}, [{"x": other}]).passed is equal


def test_a_tolerance_is_relative() -> None:
    assert Comparison(tolerance=0.02).row({"x": 100}, [{"x": 101}]).passed
    assert not Comparison(tolerance=0.001).row({"x": 100}, [{"x": 101}]).passed


def test_several_objects_are_paired_by_likeness() -> None:
    """Two in the other order are the same two; one of two is lacking."""
    source = [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 7}]
    assert Comparison().row(source, source[::-1]).passed
    lacking = Comparison().row(source, source[1:])
    assert lacking.verdict == "lacks"
    assert lacking.fields["name"].missed == 1


def test_a_reader_is_asked_for_the_types_that_the_values_have() -> None:
    fields = fields_to_read([{"a": 1, "b": ["x"], "c": None}, {"a": 1.5, "b": [], "c": True}])
    assert {each.name: each.schema for each in fields} == {
        "a": {"type": "number"},
        "b": {"type": "array", "items": {"type": "string"}},
        "c": {"type": "boolean"},
    }
    assert [each.name for each in fields_to_read([["blue", "red"]])] == ["value"]
