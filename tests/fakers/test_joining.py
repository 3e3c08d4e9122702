"""Strings out of parts: the fast way gives what joining by hand gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabula.fakers.joining import Phrase, Template, number_array, string_array

WORDS = st.lists(st.text(max_size=5).filter(str.isprintable), min_size=1, max_size=4)


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(0, 20), st.integers(0, 2**32))
def test_a_phrase_joins_the_chosen_entries(parts: list[list[str]], n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    indices = [rng.integers(0, len(part), n) for part in parts]
    joined = Phrase(*parts).take(*indices)
    joined.validate(full=True)
    by_hand = [
        "".join(part[index[row]] for part, index in zip(parts, indices, strict=True))
        for row in range(n)
    ]
    assert joined.to_pylist() == by_hand


def test_a_template_keeps_its_literals_in_place() -> None:
    template = Template("<{b}-{a}>", {"a": ["x", "y"], "b": ["1", "2"], "c": []})
    assert template.names == ["b", "a"]
    values = template.take({"a": np.array([0, 1]), "b": np.array([1, 0])})
    assert values.to_pylist() == ["<2-x>", "<1-y>"]


def test_arrays_are_built_from_words_and_numbers() -> None:
    assert string_array(["é", "", "字"]).to_pylist() == ["é", "", "字"]
    assert number_array(np.array([2**40])).to_pylist() == [2**40]
    assert number_array(np.array([7], np.int32)).to_pylist() == [7]


def test_words_are_drawn_without_importing_pandas_or_mimesis() -> None:
    """G. (import time): either would cost a second."""
    program = (
        "import sys, numpy as np\n"
        "from fabula.fakers.people import FIELDS, People\n"
        "from fabula.fakers.regex import compile_pattern\n"
        "people = People(['en', 'ja'])\n"
        "people.draw(lambda name: np.random.default_rng(1), 10, FIELDS)\n"
        "people.draw_unique(lambda name: np.random.default_rng(1), np.arange(3), 'email')\n"
        "compile_pattern('a?a?[x-z]').at(np.arange(3))\n"
        "print(sorted({'pandas', 'mimesis', 'faker'} & set(sys.modules)))\n"
    )
    reply = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert reply.stdout.strip() == "[]", reply.stderr
