"""Quality metrics equal their definitions where another implementation is at hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import PrerequisiteError, UsageError
from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.metrics import lightgbm_calls
from fabula.evaluation.metrics.boosting import auc
from fabula.evaluation.metrics.coverage import coverage, precision
from fabula.evaluation.metrics.detection import detection
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.pairs import compared_pairs, correlations, pairs
from fabula.evaluation.metrics.shapes import column_scores, missing, shapes, wasserstein
from fabula.evaluation.metrics.utility import utility
from tests.evaluation.metrics.people import people


def test_distances_of_numbers_equal_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    real, made = rng.normal(0, 1, 500), np.round(rng.normal(0.3, 2, 400), 1)
    frames = prepare(pa.table({"a": made}), pa.table({"a": real}))
    assert shapes(frames).value == pytest.approx(1 - stats.ks_2samp(real, made).statistic)
    expected = stats.wasserstein_distance(real, made) / real.std()
    assert wasserstein(frames).value == pytest.approx(expected)


def test_labels_differ_by_total_variation() -> None:
    real = pa.table({"c": ["a"] * 6 + ["b"] * 4})
    made = pa.table({"c": ["a"] * 3 + ["b"] * 4 + ["new"] * 3 + [None] * 2})
    frames = prepare(made, real)
    assert column_scores(frames, frames.truth, frames.synthetic)["c"] == pytest.approx(0.7)


def test_missing_shares_are_compared() -> None:
    """The missing share is measured to a point."""
    frames = prepare(pa.table({"a": [1.5] * 90 + [None] * 10}), pa.table({"a": [1.5] * 100}))
    result = missing(frames)
    assert result.value == pytest.approx(0.1)
    assert result.passed is False
    assert "10.0 % more" in result.sentence


def test_correlations_leave_missing_values_out_pair_by_pair() -> None:
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 3))
    values[:, 1] += values[:, 0]
    values[rng.random(values.shape) < 0.2] = np.nan
    table = pa.table({name: values[:, at] for at, name in enumerate("abc")})
    frames = prepare(table, table)
    expected = pandas.DataFrame(values).corr().to_numpy()
    assert correlations(frames.measured, frames.truth) == pytest.approx(expected, abs=1e-9)


def test_a_lost_correlation_is_named() -> None:
    real = people(1000)
    rng = np.random.default_rng(0)
    broken = real.set_column(4, "income", pa.array(rng.permutation(real["income"].to_numpy())))
    frames = prepare(broken, real)
    result = pairs(frames)
    worst = next(pair for pair in result.details["worst"] if pair["first"] == "age")
    assert worst["second"] == "income"
    assert worst["real"] > 0.5
    assert abs(worst["synthetic"]) < 0.2
    assert result.value < pairs(prepare(real, real)).value == 1


def test_pairs_of_labels_are_contingency_tables() -> None:
    real = pa.table({"a": ["x", "x", "y", "y"], "b": ["u", "u", "v", "v"]})
    made = pa.table({"a": ["x", "x", "y", "y"], "b": ["u", "v", "u", "v"]})
    frames = prepare(made, real)
    [pair] = compared_pairs(frames, frames.truth, frames.synthetic)
    assert pair.score == pytest.approx(0.5)


def test_labels_and_ranges_that_are_not_there_lower_the_coverage() -> None:
    real = pa.table({"c": ["a", "b", "c", "d"], "n": [0.5, 1.5, 2.5, 10.5]})
    made = pa.table({"c": ["a", "b", "c", "c"], "n": [0.5, 1.5, 2.5, 5.5]})
    assert coverage(prepare(made, real)).details["columns"] == {"c": 0.75, "n": 0.5}


def test_rows_equally_far_from_the_centre_are_typical() -> None:
    """All settings of an experiment, once each, are as typical as themselves; a few less so."""
    settings = np.stack(np.meshgrid(*[["low", "high"]] * 8), axis=-1).reshape(-1, 8)
    table = pa.table({f"factor {at}": column.tolist() for at, column in enumerate(settings.T)})
    assert precision(prepare(table.take(np.arange(256)[::-1]), table)).value == 1
    rng = np.random.default_rng(0)
    numbers = pa.table({"a": rng.normal(size=500), "b": rng.normal(size=500)})
    average = pa.table({name: numbers.column(name).to_numpy() / 3 for name in "ab"})
    assert precision(prepare(average, numbers)).value < 0.5


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([1, 1, 0, 0]), np.array([3, 2, 2, 1])) == pytest.approx(0.875)
    assert auc(np.array([1, 0]), np.array([1, 1])) == 0.5


def test_numbers_labels_and_classes_can_be_predicted() -> None:
    """Train on synthetic, test on real."""
    frames = prepare(people(seed=2), people(seed=1), people(seed=3))
    for target in ("income", "hired", "school"):
        result = utility(frames, target)
        assert result.value is not None
        assert result.baseline is not None
        assert abs(result.value - result.baseline) < 0.06
        assert result.baseline > 0.6


def test_a_target_that_is_not_there_is_refused_with_a_hint() -> None:
    frames = prepare(people(100), people(100, seed=1))
    with pytest.raises(UsageError, match="did you mean `hired`"):
        utility(frames, "hire")
    with pytest.raises(UsageError, match="is a text"):
        utility(frames, "name")


def test_without_the_extra_only_a_gate_on_such_a_metric_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lightgbm_calls._library.cache_clear()
    monkeypatch.setattr(lightgbm_calls, "find_spec", lambda _: None)
    data = people(200)
    with pytest.raises(PrerequisiteError, match=r"fabula\[learned\]"):
        detection(prepare(data, data))
    report = evaluate(data, real=data, sections=["quality"], gates=["quality.shapes"])
    assert report.passed
    assert "quality.detection" not in report.scores
    with pytest.raises(PrerequisiteError, match="needs the extra `learned`"):
        evaluate(data, real=data, sections=["quality"], gates=["quality.detection<=0.8"])
