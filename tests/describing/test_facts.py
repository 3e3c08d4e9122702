"""Which values a text tells, and what it claims beyond them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fabula.describing.facts import missing_values, unsupported_claims
from fabula.describing.preferences import Preferences, preferences_of
from fabula.fakers.languages import is_written_in, language_code


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Green Mile", "He was in *The Green Mile*."),
        ("Tom Hanks", "Tom Hanks's best year"),
        ("Müller", "Herr Muller came"),
        ("blue", "all those blues"),
        ("日本", "私は日本が好きです"),
        (1994, "in 1,994 or so"),
        (1234.5, "1.234,5 Euro"),
        (0.25, "a quarter, 25%"),
        (-3, "it was -3 outside"),
        (2, "two films"),
        ("12.50", "it costs 12.5 euros"),
        (dt.date(1956, 7, 9), "born on 9 July 1956"),
        ("1956-07-09", "born on July 9, 1956"),
        ("the quick brown fox jumps over", "over the brown fox the quick one jumps"),
        (None, "nothing"),
        (True, "nothing"),
        (float("nan"), "nothing"),
        ("", "nothing"),
    ],
)
def test_a_value_is_found_in_the_forms_that_prose_gives_it(value: Any, text: str) -> None:
    assert missing_values({"x": [value]}, text) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Green Mile", "Green was the mile"),
        ("Ann", "Annabel"),
        (1994, "in 1995"),
        (12, "in 1,200 cases"),
        (1.5, "15 of them"),
        ("1956-07-09", "born in 1956"),
        ("日本", "中国"),
    ],
)
def test_a_value_that_is_not_there_is_named(value: Any, text: str) -> None:
    assert missing_values({"x": value}, text) == [f"x: {value}"]


def test_numbers_and_names_beyond_the_fields_are_claims() -> None:
    """Counts of a list, opening words and words of the preferences are none."""
    fields = {"actor": "Tom Hanks", "films": ["Big", "Sully"]}
    text = "Both 2 films, Big and Sully, made Tom Hanks rich. Then Paris and Meg Ryan paid 7,5 %."
    assert unsupported_claims(fields, text) == ["7,5", "Paris", "Meg Ryan"]
    assert unsupported_claims(fields, text, allowed=["Paris 7.5"]) == ["Meg Ryan"]
    german = "Der gute Mann spielte mit Meg Ryan ein Spiel."
    assert unsupported_claims(fields, german, language="German") == ["Meg Ryan"]


def test_languages_are_told_by_script_and_small_words() -> None:
    """What can't be told is None, never a refusal."""
    english = "The cat was on the mat and it was as happy as it is."
    german = "Die Katze war auf der Matte und sie ist so froh mit dem Ball."
    assert is_written_in(english, "en-GB") is True
    assert is_written_in(english, "German") is False
    assert is_written_in(german, "Deutsch") is True
    assert is_written_in(german, "fr") is False
    assert is_written_in("Кот сидит", "Russian") is True
    assert is_written_in("Too short.", "de") is None
    assert is_written_in(english, "Klingon") is None
    assert language_code("pt_BR") == "pt"


def test_both_names_of_a_preference_are_read_and_unknown_ones_refused() -> None:
    assert preferences_of({"minimal length": 500, "maxWords": 90}) == Preferences(
        min_characters=500, max_words=90
    )
    assert preferences_of({"minimum_length": 200}).min_characters == 200
    assert preferences_of({"must": "sea", "max_words": 9.0}).wishes() == [
        "at most 9 words",
        'with the words "sea"',
    ]
    for wrong in ({"min_word": 3}, {"min_words": "x"}, {"max_words": -1}, {"must": [3]}):
        with pytest.raises(Exception, match=r"min_word|whole number|0 or more|list of words"):
            preferences_of(wrong)
    with pytest.raises(Exception, match="at least 9 and at most 3 words"):
        preferences_of({"min_words": 9, "max_words": 3})
