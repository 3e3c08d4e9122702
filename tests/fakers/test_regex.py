"""Patterns: what is drawn matches, what is numbered is distinct, what is refused says why."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabula.fakers.regex import Pattern, PatternError, compile_pattern
from fabula.fakers.regex_syntax import UNBOUNDED_EXTRA
from fabula.streams import Permutation


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


ATOMS = st.sampled_from(
    ["a", "Z", "7", "é", "字", ".", r"\.", r"\-", r"\x41", r"\d", r"\w", r"\s", r"\D", r"\W"]
)
CLASSES = st.sampled_from(["[a-c]", "[^a-z]", "[é-ñx]", r"[\d_]", "[😀-😂]", "[]a]", r"[\]\-]"])


def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifier = st.sampled_from(["", "?", "*", "+", "{2}", "{0,2}", "{1,}", "+?", "{0}"])
    return st.builds(lambda body, times: f"(?:{body}){times}", inner, quantifier)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        parts.map("".join),
        parts.map(lambda branches: f"({'|'.join(branches)})"),
        parts.map(lambda branches: f"(?i:{'|'.join(branches)}|)"),
        repeated(inner),
    )


def compiled_or_too_large(regex: str) -> Pattern:
    try:
        return compile_pattern(regex)
    except PatternError as error:
        assume("too many" not in error.reason)
        raise


REGEXES = st.recursive(ATOMS | CLASSES, combined, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(REGEXES, st.integers(0, 2**32))
def test_every_drawn_string_matches_its_pattern(regex: str, seed: int) -> None:
    pattern = compiled_or_too_large(regex)
    drawn = pattern.draw(rng(seed), 40)
    drawn.validate(full=True)
    assert all(re.fullmatch(regex, value) for value in drawn.to_pylist())


@settings(max_examples=200, deadline=None)
@given(REGEXES)
def test_numbered_strings_are_all_the_strings_once(regex: str) -> None:
    pattern = compiled_or_too_large(regex)
    if not pattern.has_index or pattern.size is None:
        return
    if pattern.size <= 5_000:
        values = pattern.at(np.arange(pattern.size)).to_pylist()
        assert set(pattern.draw(rng(), 200).to_pylist()) <= set(values)
    else:
        last = min(pattern.size, 2**62) - 1
        numbers = np.unique(np.linspace(0, last, 500).astype(np.int64).clip(0, last))
        values = pattern.at(numbers).to_pylist()
    assert len(set(values)) == len(values)
    assert all(re.fullmatch(regex, value) for value in values)


@pytest.mark.parametrize(
    ("regex", "size"),
    [
        (r"[A-Z]{3}-\d{6}-[a-f0-9]{4}", 26**3 * 10**6 * 16**4),
        ("(red|green|blue)", 3),
        (r"\d{0,3}", 1 + 10 + 100 + 1000),
        ("a?a?", 3),
        ("(a|a|b)", 2),
        ("(ab|a)(bc|c)", 3),
        ("[ab]+", sum(2**n for n in range(1, UNBOUNDED_EXTRA + 2))),
        ("", 1),
        ("(?i)ab", 4),
        (r"[A-Z]{4}|[A-Z]{2}", 26**4 + 26**2),
    ],
)
def test_size_counts_distinct_strings(regex: str, size: int) -> None:
    """That 3 values are too few for 10 rows can be said before the run."""
    assert compile_pattern(regex).size == size


def test_numbered_strings_equal_a_listing_by_hand() -> None:
    pattern = compile_pattern(r"[AB]-\d?(x|yz)")
    by_hand = {
        f"{head}-{digit}{tail}"
        for head, digit, tail in itertools.product("AB", ["", *"0123456789"], ["x", "yz"])
    }
    assert pattern.size == len(by_hand)
    assert set(pattern.at(np.arange(pattern.size)).to_pylist()) == by_hand


def test_more_strings_than_numbers_stay_distinct_and_varied() -> None:
    """Every place varies even where 62 bits can't reach it."""
    values = compile_pattern("[A-Z0-9]{30}").at(np.arange(2_000) * (2**62 // 2_000)).to_pylist()
    assert len(set(values)) == 2_000
    assert all(len(set(place)) > 1 for place in zip(*values, strict=True))


def test_numbers_out_of_range_are_refused() -> None:
    pattern = compile_pattern("[ab]")
    with pytest.raises(ValueError, match="from 0 to 1"):
        pattern.at(np.array([2]))
    with pytest.raises(ValueError, match="from 0 to 1"):
        pattern.at(np.array([-1]))


def test_large_ambiguous_patterns_have_a_size_but_no_numbers() -> None:
    pattern = compile_pattern("[a-z]+[a-z0-9]*")
    assert pattern.size is not None
    assert not pattern.has_index
    with pytest.raises(ValueError, match="can't be numbered"):
        pattern.at(np.array([0]))


def test_characters_branches_and_repeats_are_equally_likely() -> None:
    """Within five standard deviations of n p, n = 60,000."""
    n = 60_000
    values = compile_pattern("(a|[b-d]{2}|e{1,3})").draw(rng(1), n).to_pylist()
    for accepted, p in [("a", 1 / 3), ("ee", 1 / 9), ("bd", 1 / 27)]:
        deviation = (n * p * (1 - p)) ** 0.5
        assert abs(values.count(accepted) - n * p) < 5 * deviation


@pytest.mark.parametrize("n", [0, 1, 65_536, 65_537])
def test_any_number_of_strings_can_be_drawn(n: int) -> None:
    for regex in ("[a-z]{4}", "x{0,3}", ""):
        drawn = compile_pattern(regex).draw(rng(), n)
        drawn.validate(full=True)
        assert len(drawn) == n


@pytest.mark.parametrize(
    ("regex", "position", "reason"),
    [
        ("ab(", 2, "unterminated"),
        ("[z-a]", 1, "bad character range"),
        ("x{3,1}", 2, "min repeat greater than max"),
        ("a(?=b)", 1, "look-around"),
        (r"[(?=]\\1(?<!x)y", 8, "look-around"),
        (r"(a)-\1", 4, "back-reference"),
        ("(?P<n>a)(?P=n)", 8, "back-reference"),
        ("(a)?(?(1)b|c)", 4, "conditional"),
        (r"a\bb", 1, "boundary"),
        (r"\B[\b]x", 0, "boundary"),
        ("a++b", 2, "possessive"),
        ("(?>ab)c", 0, "atomic"),
        ("^a^b", 2, "anchor away from the start"),
        ("(^a){2}", 1, "anchor away from the start"),
        ("(a$|b)[$]c$", 2, "anchor away from the end"),
        (r"[^\x00-\x7f]", None, "matches nothing"),
        (r"\ud800", None, "matches nothing"),
        (r"\w{1,1000000000}", None, "too large"),
        ("(a{1,300}){1,300}", None, "too many"),
        ("a{99999999999999999999}", None, "too large"),
        ("(" * 5_000 + ")" * 5_000, None, "nested too deeply"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_place_and_reason(
    regex: str, position: int | None, reason: str
) -> None:
    with pytest.raises(PatternError, match=reason) as caught:
        compile_pattern(regex)
    assert caught.value.position == position
    assert caught.value.regex == regex


@pytest.mark.parametrize(
    ("regex", "size"),
    [
        (r"^\(\d{3}\) \d{3}-\d{4}$", 10**10),
        (r"\Aa|(^b|c$)\Z", 3),
        ("(^)a($)?", 1),
        ("^$", 1),
    ],
)
def test_anchors_that_hold_anyway_are_ignored(regex: str, size: int) -> None:
    pattern = compile_pattern(regex)
    assert pattern.size == size
    assert all(re.fullmatch(regex, value) for value in pattern.draw(rng(), 20).to_pylist())


def test_patterns_on_which_matching_would_take_for_ever_are_compiled_at_once() -> None:
    """A nested choice that a backtracking matcher needs exponential time for."""
    pattern = compile_pattern(r"(\w|\w\w|\w{5}x?){1,30}")
    assert len(pattern.draw(rng(), 100)) == 100
    assert not pattern.has_index


def test_what_is_too_tangled_to_count_has_no_size() -> None:
    pattern = compile_pattern("(.*a.{8}){1,3}")
    assert pattern.size is None
    assert not pattern.has_index
    assert len(pattern.draw(rng(), 10)) == 10


@pytest.mark.parametrize(
    ("regex", "digest"),
    [
        (r"[A-Z]{3}-\d{6}-[a-f0-9]{4}", "fab143a452cb88b5"),
        (r"(a|bc)?\w{1,9}", "7da13b47db28dc8a"),
        ("[а-яё]{3,8}", "f3519feae0a3a2fa"),
    ],
)
def test_the_same_stream_gives_the_same_bytes(regex: str, digest: str) -> None:
    """Golden: a change here changes every user's data."""
    text = "\n".join(compile_pattern(regex).draw(rng(7), 70_000).to_pylist())
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    "regex",
    [
        "[0-9]{20}",
        "[0-9]{40}",
        "[A-Z]{4}[0-9]{16}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    ],
)
def test_numbered_strings_look_random_beyond_what_an_index_tells_apart(regex: str) -> None:
    """No string repeats, and each place holds each of its characters about equally often."""
    found = numbered(regex, rows=20_000)
    assert len(set(found)) == 20_000
    for place in range(len(found[0])):
        counts = Counter(text[place] for text in found)
        chance = 5 * (20_000 / len(counts)) ** 0.5 if len(counts) > 1 else 0
        assert all(abs(count - 20_000 / len(counts)) <= chance for count in counts.values())


def test_every_branch_beyond_what_an_index_tells_apart_has_its_share() -> None:
    found = numbered("([0-9]{20}|[a-j]{20}|[k-s]{20})", rows=20_000)
    assert len(set(found)) == 20_000
    digits = sum(text.isdigit() for text in found)
    assert abs(digits - 20_000 / (2 + 0.9**20)) < 5 * (20_000 / 4) ** 0.5


def numbered(regex: str, *, rows: int) -> list[str]:
    pattern = compile_pattern(regex)
    assert pattern.size is not None
    assert pattern.size > 2**62
    found: list[str] = pattern.at(Permutation(2**62, 1, "t", "c")(np.arange(rows))).to_pylist()
    assert all(re.fullmatch(regex, text) for text in found)
    return found
