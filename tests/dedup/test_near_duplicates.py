"""Near-duplicates: what counts as the same text, what is found, and what is refused."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from fabula.dedup import Match, near_duplicates
from fabula.dedup.meanings import ONE_CELL
from fabula.errors import UsageError
from fabula.llm.providers.local_embeddings import embed_locally

WORDS = [f"{start}{end}" for start in "bdfgklmnprstvz" for end in ("ano", "ick", "orve", "uline")]


def short_texts(count: int) -> list[str]:
    """Texts of twelve words; each tenth repeats the text nine before it but for its last word."""
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(WORDS, 12)) for _ in range(count)]
    for at in range(10, count, 10):
        texts[at] = f"{texts[at - 9].rsplit(' ', 1)[0]} {WORDS[at % len(WORDS)]}"
    return texts


def pieces(text: str) -> set[str]:
    return {f" {text} "[at : at + 3] for at in range(len(text))}


def jaccard(left: str, right: str) -> float:
    return len(pieces(left) & pieces(right)) / len(pieces(left) | pieces(right))


@pytest.mark.parametrize("method", ["exact", "minhash", "embedding"])
def test_case_punctuation_spacing_and_unicode_forms_make_no_difference(method: str) -> None:
    texts = ["Café crème", "cafe\u0301  CRÈME!", "a wholly different text", "“Café—crème”"]
    found = near_duplicates(texts, method=method)
    assert found == [Match(0, 1, 1.0), Match(0, 3, 1.0)]


@pytest.mark.parametrize("method", ["exact", "minhash", "embedding"])
def test_missing_texts_match_nothing_and_odd_ones_do_no_harm(method: str) -> None:
    texts = [None, None, "!!!", "???", "😀", "x" * 9999]
    assert near_duplicates(texts, method=method) == []
    assert near_duplicates([], method=method) == []
    assert near_duplicates([None], method=method) == []


@pytest.mark.slow
def test_minhash_finds_what_comparing_every_pair_finds() -> None:
    texts = short_texts(400)
    near = {(a, b) for a, b in combinations(range(400), 2) if jaccard(texts[a], texts[b]) >= 0.7}
    found = near_duplicates(texts, similarity=0.7)
    assert {(match.first, match.second) for match in found} <= near
    assert all(
        match.similarity == pytest.approx(jaccard(texts[match.first], texts[match.second]))
        for match in found
    )
    later = {second for _, second in near}
    # At most 1 in 100 pairs at the bound is missed: 5 sigma of a binomial with p = 0.01.
    most_missed = 0.01 * len(later) + 5 * np.sqrt(0.01 * len(later))
    assert len(later) >= 30
    assert len(later - {match.second for match in found}) <= most_missed


def test_nothing_near_is_left_when_the_second_texts_are_left_out() -> None:
    chain = ["aaaa bbbb cccc dddd eeee", "aaaa bbbb cccc dddd eeex", "aaaa bbbb cccc dddd eexx"]
    seconds = {match.second for match in near_duplicates(chain, similarity=0.7)}
    assert seconds == {1, 2}


def test_embedding_finds_the_same_in_other_words() -> None:
    texts = [
        "The invoice was charged twice this month",
        "Our cat sleeps on the warm windowsill",
        "This month the invoice got charged two times",
    ]
    (match,) = near_duplicates(texts, similarity=0.75, method="embedding")
    assert (match.first, match.second) == (0, 2)
    assert near_duplicates(texts, similarity=0.75) == []


@pytest.mark.slow
def test_a_large_set_is_compared_in_cells_and_hardly_misses_any() -> None:
    texts = short_texts(ONE_CELL + 2_000)
    later = np.arange(10, len(texts), 10)
    vectors = embed_locally(texts)
    near = later[np.einsum("ij,ij->i", vectors[later], vectors[later - 9]) >= 0.95]
    found = {match.second for match in near_duplicates(texts, similarity=0.95, method="embedding")}
    assert len(near) > 100
    assert len(found & set(near.tolist())) >= 0.9 * len(near)


def test_arrow_arrays_in_any_form_give_the_same() -> None:
    texts = ["Red hat", "Blue mug", "red hat"]
    expected = [Match(0, 2, 1.0)]
    assert near_duplicates(pa.array(texts)) == expected
    assert near_duplicates(pa.chunked_array([texts[:1], texts[1:]])) == expected
    assert near_duplicates(pa.array(texts).dictionary_encode()) == expected
    assert near_duplicates(pa.array(texts, pa.string_view())) == expected


def test_one_text_many_times_stays_fast() -> None:
    found = near_duplicates(["the same text"] * 50_000 + ["the same text 2"], similarity=0.7)
    assert len(found) == 50_000


@pytest.mark.parametrize("similarity", [0, -1, 1.1, float("nan")])
def test_a_similarity_that_says_nothing_is_refused(similarity: float) -> None:
    with pytest.raises(UsageError, match=r"usage\.similarity"):
        near_duplicates(["a"], similarity=similarity)


def test_an_unknown_method_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="minhash"):
        near_duplicates(["a"], method="minhsh")
