"""Metrics are entries of one register, built-in or not."""

from __future__ import annotations

from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.evaluation.metrics.frames import Frames
from fabula.evaluation.metrics.metric import METRICS, Metric, Score, metric
from tests.evaluation.metrics.people import people

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "proof.md"


@metric("quality.oldest", "oldest person", better="near", source="Largest age")
def oldest(frames: Frames) -> Score:
    """The largest age, over the real one."""
    ages = [frame["age"].max() for frame in (frames.synthetic, frames.truth)]
    return Score(float(ages[0] / ages[1]), "The oldest is as old.", baseline=1.0, threshold=0.5)


def test_every_metric_stands_in_the_guide() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [key for key in METRICS.builtin() if f"`{key}`" not in guide] == []


def test_titles_differ() -> None:
    titles = [entry.title for entry in METRICS.builtin().values()]
    assert len(set(titles)) == len(titles)


def test_a_metric_of_ones_own_is_measured_with_a_gate() -> None:
    report = fb.evaluate(
        people(50, 1), real=people(50, 2), metrics=[oldest, "quality.shapes"],
        gates=["quality.oldest>=0.1"],
    )  # fmt: skip
    assert {result.key for result in report.tables[0].results} == {
        "quality.oldest", "quality.shapes"
    }  # fmt: skip
    assert report.passed
    assert "oldest person" in str(report.to_dict())


def test_metrics_that_are_named_are_measured_alone() -> None:
    report = fb.evaluate(people(50, 1), real=people(50, 2), metrics=["diversity.duplicates"])
    assert [result.title for result in report.tables[0].results] == ["duplicate rows"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("quality.shape", "did you mean `quality.shapes`"),
        (oldest.measure, "make one with"),
        (Metric("beauty.age", "age", "near", "me"), "is in no section"),
    ],
)
def test_what_is_not_a_metric_is_refused(given: object, told: str) -> None:
    with pytest.raises(UsageError) as failed:
        fb.evaluate(people(50, 1), real=people(50, 2), metrics=[given])
    assert told in f"{failed.value.message} {failed.value.hint}"


@pytest.mark.parametrize(
    ("entry", "lack"),
    [
        (Metric("quality.new", "", "near", "me"), "has no title"),
        (Metric("quality.new", "new", "near", ""), "has no source"),
        (Metric("quality.new", "new", "best", "me"), "is better `best`"),
        (Metric("quality.new", "new", "near", "me", measure=lambda frames, mood: (frames, mood)),
         "asks for `mood`"),
    ],
)  # fmt: skip
def test_an_entry_that_lacks_a_part_is_not_registered(entry: Metric, lack: str) -> None:
    with pytest.raises(UsageError, match=lack):
        METRICS.add(entry)
    assert "quality.new" not in METRICS
