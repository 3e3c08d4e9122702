"""Codes of letters, hexadecimal ones and those with leading zeros keep their form."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fabula as fb
from fabula.inference.codes import are_letter_codes, code_pattern

UPPER, LOWER, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
FORMS = {
    "[A-Z]{4}": (UPPER, 4),
    "[A-Z]{3}": (UPPER, 3),
    "[a-z]{6}": (LOWER, 6),
    "[0-9a-f]{8}": ("0123456789abcdef", 8),
    "[0-9A-F]{6}": ("0123456789ABCDEF", 6),
    "[A-Z0-9]{9}": (UPPER + DIGITS, 9),
    "0[0-9]{5}": (DIGITS, 5),
    "[0-9]{5}": (DIGITS, 5),
}


def codes(form: str, rows: int, seed: int) -> list[str]:
    """Different codes of a form."""
    signs, length = FORMS[form]
    rng = np.random.default_rng(seed)
    start = "0" * form.startswith("0[")
    found = {start + "".join(rng.choice(list(signs), length)) for _ in range(3 * rows)}
    if form == "[0-9]{5}":
        found |= {"00501"}
    return sorted(found)[:: max(1, len(found) // rows)][:rows]


@pytest.mark.slow
@settings(max_examples=24, deadline=None, derandomize=True)
@given(st.sampled_from(list(FORMS)), st.integers(0, 2**32 - 1))
def test_codes_keep_their_form_and_differ_where_the_real_ones_do(form, seed):
    """As many new ones as there are real ones."""
    real = codes(form, 200, seed)
    table = pa.table({"code": real, "n": np.arange(len(real)) % 5})
    made = fb.fit(table, seed=1, holdout=0, rounds=2).sample(len(real), seed=2)
    new = made.column("code").to_pylist()
    assert all(re.fullmatch(form, code) for code in new)
    assert len(set(new)) == len(new)


@pytest.mark.parametrize("form", list(FORMS))
def test_a_first_spec_makes_codes_by_their_pattern(form):
    """No language model is asked for them."""
    real = codes(form, 300, 7)
    found = fb.infer(pa.table({"code": real}))
    made = fb.generate(found.spec, seed=1)["data"].column("code").to_pylist()
    assert all(re.fullmatch(form, code) for code in made)
    assert len(set(made)) == len(made)


def test_words_are_no_codes():
    """Five letters make many words."""
    words = ["apple", "beach", "chair", "dance", "eagle", "flame", "grape", "house", "input",
             "jelly", "knife", "lemon", "mango", "night", "ocean", "piano", "queen", "river",
             "snake", "table", "uncle", "voice", "water", "youth"]  # fmt: skip
    assert not are_letter_codes(words)
    assert code_pattern(words) is None
    assert code_pattern([word.upper() for word in words]) is None


def test_codes_of_several_lengths_keep_their_lengths():
    """As symbols of shares."""
    rng = np.random.default_rng(3)
    real = sorted({"".join(rng.choice(list(UPPER), length)) for length in [3, 4, 4, 5] * 90})
    table = pa.table({"symbol": real, "n": np.arange(len(real)) % 5})
    made = fb.fit(table, seed=1, holdout=0, rounds=2).sample(300, seed=2).column("symbol")
    assert all(re.fullmatch("[A-Z]{3,5}", code) for code in made.to_pylist())
    assert len(set(made.to_pylist())) == 300


@pytest.mark.parametrize("name", ["customer_id", "number"])
def test_ids_that_stand_as_floats_are_keys(name):
    """As pandas has them where one was missing once."""
    ids = np.random.default_rng(2).permutation(np.arange(1_000.0, 1_400.0))
    table = pa.table({name: ids, "n": np.arange(400) % 7})
    made = fb.fit(table, seed=1, holdout=0, rounds=2).sample(400, seed=2).column(name)
    assert made.type == pa.float64()
    assert min(made.to_pylist()) == 1_400
    assert len(set(made.to_pylist())) == 400
    again = fb.generate(fb.infer(table).spec, seed=1)["data"].column(name).to_pylist()
    assert sorted(again) == sorted(ids.tolist())


@pytest.mark.parametrize(
    ("form", "known"),
    [
        (lambda rng: f"{rng.integers(10_000):04d}-{rng.choice(list('ABC'))}", r"\d{4}-[ABC]"),
        (lambda rng: f"{rng.integers(10_000):04d}/{rng.choice(list('KLM'))}", r"\d{4}/[KLM]"),
        (
            lambda rng: "{}{}-{:03d}".format(*rng.choice(list("ABC"), 2), rng.integers(1_000)),
            r"[ABC][ABC]-\d{3}",
        ),
    ],
)
def test_each_place_of_a_code_keeps_its_letters(form, known):
    """Of few letters, no others stand in their place; digits stay digits."""
    rng = np.random.default_rng(4)
    real = sorted({form(rng) for _ in range(400)})
    table = pa.table({"code": real, "amount": rng.normal(5, 1, len(real)).round(2)})
    specified = fb.generate(fb.infer(table).spec, seed=1)["data"]
    for rows in (fb.fit(table, seed=1).sample(600, seed=2), specified):
        assert all(re.fullmatch(known, code) for code in rows["code"].to_pylist())
