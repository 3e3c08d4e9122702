"""Planted judges: one favours longer answers, one later ones, one is good, one only noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import UsageError

N = 400


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    rng = np.random.default_rng(7)
    merit = rng.integers(1, 6, N)
    length = rng.integers(20, 400, N) + 10 * merit  # good answers are a little longer
    position = rng.integers(1, 5, N)
    noise = rng.normal(0, 0.6, (4, N))

    def grade(values: Any) -> list[int]:
        return np.clip(np.round(values), 1, 5).astype(int).tolist()

    return pa.table(
        {
            "answer": ["x" * n for n in length.tolist()],
            "place": position,
            "human": merit,
            "verdict": ["accepted" if m >= 4 else "rejected" for m in merit.tolist()],
            "good": grade(merit + noise[0]),
            "long": grade(1 + 0.4 * merit + 0.008 * length + noise[1]),
            "late": grade(merit + 0.6 * position - 1.5 + noise[2]),
            "noise": rng.integers(1, 6, N),
        }
    )


def test_a_judge_that_favours_the_longer_answer_is_named_and_a_good_one_passes(
    rows: pa.Table,
) -> None:
    made = fb.judges(rows, scores=["good", "long", "late"], human="human", text="answer",
                     position="place")  # fmt: skip
    assert made.biased == ("long", "late")
    assert "long: " in made.report()
    assert "biased by length: favours longer" in made.report()
    assert "biased by position: favours later" in made.report()
    assert {bias.of for bias in made["long"].biases if bias.is_found} == {"length"}
    assert {bias.of for bias in made["late"].biases if bias.is_found} == {"position"}
    assert made["good"].kappa is not None
    assert made["good"].kappa > 0.85


def test_a_bias_is_found_without_reviewed_rows_by_the_other_judges(rows: pa.Table) -> None:
    made = fb.judges(rows, scores=["good", "long"], text="answer")
    assert "long" in made.biased
    assert made["long"].kappa is None
    assert made.report().startswith("no reviewed rows")


def test_noise_has_no_agreement_and_no_threshold(rows: pa.Table) -> None:
    made = fb.judges(rows, scores="noise", human="verdict", precision=0.9)
    assert made["noise"].kappa == pytest.approx(0, abs=5 / np.sqrt(N))
    assert made["noise"].threshold is None
    assert "no score reaches a precision of 0.9" in made.report()


def test_kappa_is_that_of_scikit_learn(rows: pa.Table) -> None:
    from sklearn.metrics import cohen_kappa_score

    made = fb.judges(rows, scores=["good", "long"], human="human")
    pairs = {"good": ("good", "human"), "long": ("long", "human")}
    for name, (one, other) in pairs.items():
        known = cohen_kappa_score(rows[one].to_pylist(), rows[other].to_pylist(),
                                  weights="quadratic")  # fmt: skip
        assert made[name].kappa == pytest.approx(known)


def test_a_threshold_has_the_wanted_precision_on_the_reviewed_rows(rows: pa.Table) -> None:
    found = fb.judges(rows, scores="good", human="verdict", precision=0.95)["good"].threshold
    assert found is not None
    passing = [v for v, s in zip(rows["verdict"].to_pylist(), rows["good"].to_pylist(), strict=True)
               if s >= found.score]  # fmt: skip
    assert passing.count("accepted") / len(passing) == found.precision >= 0.95
    assert found.low < found.precision <= found.high


def test_rows_that_nobody_reviewed_do_not_count(rows: pa.Table) -> None:
    some = [v if place < 50 else None for place, v in enumerate(rows["human"].to_pylist())]
    made = fb.judges(rows.drop_columns("human").append_column("human", [some]),
                     scores="good", human="human")  # fmt: skip
    assert made.reviewed == made["good"].rows == 50


def test_the_command_fails_on_a_biased_judge(
    rows: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pa.csv.write_csv(rows, tmp_path / "rows.csv")
    asked = ["judges", str(tmp_path / "rows.csv"), "--human", "human", "--text", "answer"]
    assert main([*asked, "--score", "good"]) == 0
    assert main([*asked, "--score", "good", "--score", "long"]) == 1
    assert "`long` is biased" in capsys.readouterr().err
    assert main([*asked, "--score", "good", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["judges"][0]["is_biased"] is False


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scores": "godo"}, "no column `godo`"),
        ({"scores": "answer"}, "neither a number nor a verdict"),
        ({"scores": "good", "precision": 0}, "can't be reached"),
    ],
)
def test_what_is_no_judge_is_refused(rows: pa.Table, options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fb.judges(rows, **options)
    with pytest.raises(UsageError, match="say too little"):
        fb.judges(rows.slice(0, 5), scores="good")
