"""Diversity of texts: how alike they are, how long, and how they spread over topics."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.text_diversity import (
    self_similarity,
    text_lengths,
    text_sameness,
    text_topics,
)

TOPICS = {
    "cars": "engine wheel diesel sedan brake gearbox motor road tyre hybrid",
    "food": "pasta sauce cheese bread apple soup garlic salad olive rice",
    "tax": "invoice income deduction audit refund ledger receipt payroll filing levy",
    "music": "guitar chord melody drum concert piano singer album rhythm violin",
}


def texts(count: int, topics: list[str], seed: int, length: int = 12) -> pa.Table:
    rng = np.random.default_rng(seed)
    words = [TOPICS[topics[at % len(topics)]].split() for at in range(count)]
    return pa.table({"note": [" ".join(rng.choice(each, length)) for each in words]})


def test_self_similarity_is_the_nearest_jaccard_index() -> None:
    assert self_similarity(["abcd", "abcd"]) == 1
    assert self_similarity(["abcd", "abce"]) == pytest.approx(1 / 3)
    assert self_similarity(["abcd", "wxyz"]) == self_similarity(["only"]) == 0


def test_texts_that_repeat_are_told_from_texts_that_do_not() -> None:
    real = texts(200, list(TOPICS), 1)
    fine = text_sameness(prepare(texts(200, list(TOPICS), 2), real))
    same = text_sameness(prepare(texts(4, list(TOPICS), 2).take(np.arange(200) % 4), real))
    assert fine is not None
    assert same is not None
    assert fine.passed
    assert same.passed is False
    assert same.value == 1


@pytest.mark.parametrize("seed", [1, 101, 104])
def test_one_topic_out_of_four_is_less_spread(seed: int) -> None:
    """The topics take turns, so that two of them have no even row."""
    real = texts(200, list(TOPICS), seed)
    fine = text_topics(prepare(texts(200, list(TOPICS), seed + 100), real))
    narrow = text_topics(prepare(texts(200, ["food"], seed + 100), real))
    assert fine is not None
    assert narrow is not None
    assert fine.passed
    assert narrow.passed is False


def test_lengths_are_compared() -> None:
    real = texts(200, list(TOPICS), 1)
    alike = text_lengths(prepare(texts(200, list(TOPICS), 2), real))
    longer = text_lengths(prepare(texts(200, list(TOPICS), 2, length=20), real))
    assert alike is not None
    assert longer is not None
    assert (alike.value, longer.value) == (0, 1)


def test_without_text_there_is_nothing_to_tell() -> None:
    frames = prepare(pa.table({"a": [1, 2]}))
    assert text_sameness(frames) is text_lengths(frames) is text_topics(frames) is None


def test_the_report_shows_them() -> None:
    report = evaluate(texts(100, list(TOPICS), 1), sections=["diversity"])
    names = {result.name for result in report.tables[0].results}
    assert {"text", "sameness", "lengths", "topics"} <= names
