"""Data whose faults are known gets the verdicts that it deserves."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.metrics.dependence import dependence
from fabula.evaluation.metrics.diversity import band
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.report import Report
from tests.evaluation.metrics.people import noise, people, shuffled

REAL, HOLDOUT, GOOD = people(seed=1), people(seed=2), people(seed=3)
CASES = {
    "good": lambda: GOOD,
    "copy": lambda: REAL,
    "shuffled": lambda: shuffled(REAL),
    "noise": lambda: noise(REAL),
    "third copied": lambda: pa.concat_tables([REAL.slice(0, 400), GOOD.slice(0, 800)]),
}


@cache
def report(case: str) -> Report:
    return evaluate(CASES[case](), real=REAL, holdout=HOLDOUT, target="hired", protected=["sex"])


def verdict(case: str, key: str) -> bool | None:
    [result] = [item for item in report(case).tables[0].results if item.key == key]
    return result.passed


def test_another_sample_of_the_same_people_passes_everything() -> None:
    """The original's own split is realistic, private and in band."""
    assert [result.key for result in report("good").failing] == []


def test_a_copy_is_perfectly_realistic_and_not_private() -> None:
    """A copy of the real data scores perfect realism AND fails privacy."""
    scores = report("copy").scores
    for key in ("quality.shapes", "quality.pairs", "quality.dependence", "quality.coverage"):
        assert scores[key] == 1
    assert scores["quality.wasserstein"] == 0
    assert all(r.passed is not False for r in report("copy").tables[0].section("quality"))
    for key in (
        "privacy.exact_copies",
        "privacy.near_copies",
        "privacy.closer_to_training",
        "privacy.membership",
        "privacy.attribute_inference",
        "privacy.singling_out",
        "privacy.linkability",
        "privacy.sensitive_values",
    ):
        assert verdict("copy", key) is False, key
    assert verdict("copy", "diversity.band") is False


@pytest.mark.parametrize(
    ("key", "higher"),
    [
        ("quality.pairs", True),
        ("quality.dependence", True),
        ("quality.recall", True),
        ("quality.utility", True),
        ("quality.detection", False),
    ],
)
def test_shuffled_columns_score_worse_than_the_original_split(key: str, higher: bool) -> None:
    """Every column is perfect by itself, yet no relation is left."""
    good, bad = report("good").scores[key], report("shuffled").scores[key]
    assert bad < good - 0.02 if higher else bad > good + 0.02
    assert report("shuffled").scores["quality.shapes"] == 1
    assert verdict("shuffled", "quality.detection") is False
    assert verdict("shuffled", "quality.dependence") is False


@pytest.mark.parametrize("column", ["school", "income"])
def test_one_shuffled_column_of_a_close_pair_is_enough_to_fail(column: str) -> None:
    """The other pairs stay as they were, and most were independent anyway."""
    order = pa.array(np.random.default_rng(0).permutation(GOOD.num_rows))
    at = GOOD.column_names.index(column)
    broken = GOOD.set_column(at, column, GOOD[column].take(order))
    assert dependence(prepare(broken, REAL, HOLDOUT)).passed is False
    assert dependence(prepare(GOOD, REAL, HOLDOUT)).passed is True


def test_without_dependence_there_is_nothing_to_keep() -> None:
    found = dependence(prepare(shuffled(GOOD), shuffled(REAL)))
    assert found.value is None
    assert found.passed is None


def test_noise_is_unrealistic_and_private() -> None:
    """Uniform noise is unrealistic."""
    assert report("noise").tables[0].section("diversity")[0].details["verdict"] == "unrealistic"
    assert verdict("noise", "quality.shapes") is False
    assert verdict("noise", "quality.detection") is False
    assert verdict("noise", "privacy.exact_copies") is True


def test_a_set_with_copies_is_too_similar() -> None:
    """Near copies are too similar; C1.1 counts exact copies."""
    table = report("third copied").tables[0]
    [band] = [result for result in table.results if result.key == "diversity.band"]
    assert band.details["verdict"] == "too similar"
    [copies] = [result for result in table.results if result.key == "privacy.exact_copies"]
    assert copies.details["copies"] == 400
    assert verdict("third copied", "privacy.closer_to_training") is False


def test_near_copies_are_seen_through_a_little_noise() -> None:
    """Values that are moved by a hair are copies still."""
    rng = np.random.default_rng(0)
    moved = REAL
    for name in ("age", "income"):
        values = REAL[name].to_numpy() + rng.normal(0, 0.02, REAL.num_rows)
        moved = moved.set_column(moved.column_names.index(name), name, pa.array(values))
    found = evaluate(moved.drop(["name"]), real=REAL, holdout=HOLDOUT, sections=["privacy"])
    by_key = {result.key: result for result in found.tables[0].results}
    assert by_key["privacy.exact_copies"].value == 0
    assert by_key["privacy.near_copies"].passed is False


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = (
        evaluate(GOOD, real=REAL, holdout=HOLDOUT, sections=["privacy", "diversity"], seed=5)
        for _ in range(2)
    )
    assert first.to_dict() == second.to_dict()


def test_every_number_has_a_direction_a_sentence_and_a_source() -> None:
    for result in report("good").tables[0].results:
        assert result.sentence.endswith((".", "…"))
        assert result.source
        assert result.direction in ("higher", "lower", "near")
        assert result.value is None or result.baseline is not None


def parts(n: int, seed: int) -> list[pa.Table]:
    """Real, held-back and more rows of the same people."""
    return [people(n, 3 * seed + part).drop(["id", "name"]) for part in (1, 2, 3)]


@pytest.mark.parametrize("n", [200, 446])
def test_noise_is_unrealistic_in_small_tables(n: int) -> None:
    for seed in range(4):
        real, held, _ = parts(n, seed)
        strange = band(prepare(noise(real, seed), real, held))
        assert strange.details["verdict"] == "unrealistic"
        assert strange.passed is False


def test_real_rows_are_in_band_however_few_they_are() -> None:
    """Three standard errors: one false alarm in 370; ten small samples have none."""
    for seed in range(10):
        real, held, made = parts(60, seed)
        assert band(prepare(made, real, held)).details["verdict"] == "in band"


@pytest.mark.parametrize("rows", [50, 100, 200])
def test_uniform_noise_is_unrealistic_on_small_tables_and_real_rows_are_not(rows: int) -> None:
    """Of 12 tables each, as the bound leaves one verdict in 700 to chance."""
    for seed in range(4):
        whole = insured(2 * rows + 25, seed)
        real, held, other = whole[:rows], whole[rows : rows + 25], whole[rows + 25 :]
        for made, verdict in ((noise(real), "unrealistic"), (other, "in band")):
            found = band(prepare(made, real, held))
            assert found.details["verdict"] == verdict, (seed, found.value)


def insured(rows: int, seed: int) -> pa.Table:
    """People, a third of whom smoke and pay for it, as age and weight make them pay."""
    rng = np.random.default_rng(seed + 100)
    age, smokes = rng.integers(18, 65, rows), rng.random(rows) < 0.2
    bmi = rng.normal(30, 5, rows).round(1)
    paid = 250 * age + smokes * (10_000 + 800 * (bmi - 25)) + rng.gamma(1, 2_000, rows)
    return pa.table(
        {
            "age": age.astype(float),
            "bmi": bmi,
            "children": rng.poisson(0.8, rows).astype(float),
            "smoker": np.where(smokes, "yes", "no"),
            "sex": rng.choice(["f", "m"], rows),
            "paid": paid.round(2),
        }
    )
