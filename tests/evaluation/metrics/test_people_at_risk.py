"""Privacy by content and bias between groups."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import UsageError
from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.metrics.attacks import attribute_inference, excess_interval
from fabula.evaluation.metrics.bias import bias_results
from fabula.evaluation.metrics.diversity import distinct, duplicates
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.look_ups import homogeneity, linkage
from fabula.evaluation.metrics.metric import Metric
from fabula.evaluation.metrics.reidentification import identified, sensitive_values
from fabula.evaluation.metrics.result import MetricResult
from fabula.evaluation.metrics.text_diversity import text_variety
from tests.evaluation.metrics.people import people

N = 400


def contacts(n: int = N, start: int = 0) -> pa.Table:
    at = range(start, start + n)
    return pa.table(
        {
            "person": [f"Ada Lovelace-{i:04d}" for i in at],
            "email": [f"ada.{i:04d}@example.org" for i in at],
            "phone": [f"(202) 555-{i:04d}" for i in at],
            "note": [f"Called about order number {i} and was told to wait for a week." for i in at],
        }
    )


@pytest.mark.parametrize(
    "text",
    [
        "ada.0007@example.org",
        "please write to ADA.0007@example.org, thanks",
        "met Ada  Lovelace-0007 (twice)",
        "call 202 5550007 before noon",
        "call +202-555-0007.",
    ],
)
def test_a_real_value_is_found_in_any_cell_and_inside_text(text: str) -> None:
    """None of the original sensitive values occurs anywhere."""
    made = contacts(start=N)
    notes = [*made["note"].to_pylist()[:-1], text]
    made = made.set_column(3, "note", pa.array(notes))
    result = sensitive_values(prepare(made, contacts()), ["person", "email", "phone"])
    assert result.value == pytest.approx(1 / N)
    assert result.passed is False


def test_new_people_hold_no_real_value_and_prose_is_no_secret() -> None:
    result = sensitive_values(prepare(contacts(start=N), contacts()))
    assert result.value == 0
    assert result.details["columns"] == ["person", "email", "phone", "note"]
    assert result.details["values"] >= 3 * N
    assert result.passed


def test_quasi_identifiers_point_at_people() -> None:
    """Rows that fit exactly one real person are counted."""
    real = pa.table({"age": [30, 30, 40, 50], "city": ["a", "a", "a", "b"]})
    made = pa.table({"age": [30, 40, 50, 50], "city": ["a", "a", "b", "a"]})
    result = identified(prepare(made, real))
    assert result.value == 0.5
    assert result.details["quasi"] == ["age", "city"]
    with pytest.raises(UsageError, match="did you mean `city`"):
        identified(prepare(made, real), ["cty"])


@pytest.mark.parametrize("n", [40, 400, 4_000])
def test_an_interval_of_a_risk_holds_it_as_often_as_it_says(n: int) -> None:
    """95 of 100 samples, within five standard errors of that share."""
    rng, p, q, samples = np.random.default_rng(n), 0.3, 0.2, 2_000
    real, held = rng.binomial(n, p, samples), rng.binomial(n, q, samples)
    held_within = 0
    for hits in zip(real.tolist(), held.tolist(), strict=True):
        low, high = excess_interval(hits, n)
        left = 1 - hits[1] / n
        held_within += low * left <= p - q <= high * left
    assert held_within / samples > 0.95 - 5 * np.sqrt(0.95 * 0.05 / samples)


def test_few_attacks_give_no_verdict_unless_they_find_much() -> None:
    """An attack on 25 people can't call data safe, but it can tell a copy."""
    real, other, held = (people(25, seed) for seed in (1, 2, 3))
    for made, verdict in ((real, False), (other, None)):
        found = attribute_inference(prepare(made, real, held))
        assert found.passed is verdict
        low, high = found.details["interval"]
        assert low <= found.value <= high
    assert "too few attacks to tell" in found.sentence


def applicants(rate_f: float, rate_m: float, n: int = 4000, share_f: float = 0.5) -> pa.Table:
    rng = np.random.default_rng(7)
    sex = np.where(rng.random(n) < share_f, "f", "m")
    hired = rng.random(n) < np.where(sex == "f", rate_f, rate_m)
    return pa.table(
        {"sex": sex, "hired": np.where(hired, "yes", "no"), "age": rng.normal(40, 9, n)}
    )


def by_name(results: list[MetricResult]) -> dict[str, MetricResult]:
    return {result.name: result for result in results}


def test_injected_bias_is_reported_and_its_growth_flagged() -> None:
    """Hire 60 % against 20 % is reported; amplified in synthetic, it is flagged."""
    made, real = applicants(0.2, 0.6), applicants(0.4, 0.6)
    found = by_name(bias_results(prepare(made, real), ["sex"], "hired", "yes"))
    error = 5 * np.sqrt(2 * 0.25 / 2000)
    assert found["outcome_difference"].value == pytest.approx(0.4, abs=error)
    assert found["outcome_difference"].baseline == pytest.approx(0.2, abs=error)
    assert found["outcome_ratio"].value == pytest.approx(1 / 3, abs=0.06)
    assert found["outcome_ratio"].passed is False
    assert found["amplification"].value == pytest.approx(0.2, abs=2 * error)
    assert found["amplification"].passed is False
    fair = by_name(bias_results(prepare(applicants(0.5, 0.5), real), ["sex"], "hired", "yes"))
    assert all(result.passed for result in fair.values())


def test_a_group_that_shrinks_is_named() -> None:
    """Representation by group."""
    made, real = applicants(0.5, 0.5, share_f=0.2), applicants(0.5, 0.5)
    [result] = bias_results(prepare(made, real), ["sex"])
    assert result.value == pytest.approx(0.3, abs=0.04)
    assert result.passed is False
    assert result.sentence.startswith("sex: ")


def test_numbers_make_groups_and_groups_cross() -> None:
    """Intersections; groups of a number are its quarters."""
    found = by_name(
        bias_results(prepare(applicants(0.3, 0.6), applicants(0.3, 0.6)), ["sex", "age"], "hired")
    )
    groups = found["intersections"].details["groups"]["`sex` and `age`"]
    assert len(groups) == 8
    assert found["intersections"].value < 0.8


def test_small_groups_are_named_and_not_judged() -> None:
    """Small-cell warnings."""
    made = applicants(0.5, 0.5, n=1000)
    few = pa.table({"sex": ["x"] * 5, "hired": ["no"] * 5, "age": [40.0] * 5})
    made = pa.concat_tables([made, few])
    found = by_name(bias_results(prepare(made, made), ["sex"], "hired", "yes"))
    assert found["outcome_difference"].details["small_groups"] == ["sex x"]
    assert "Too few rows to judge: sex x" in found["outcome_difference"].sentence
    assert found["outcome_ratio"].value > 0.8


def test_an_outcome_label_that_never_occurs_is_refused() -> None:
    with pytest.raises(UsageError, match="is never `maybe`"):
        bias_results(prepare(applicants(0.5, 0.5)), ["sex"], "hired", "maybe")


def test_repeated_rows_and_few_values_are_measured() -> None:
    """Duplicates and distinct shares."""
    real = pa.table({"a": np.arange(200) * 1.5, "b": np.arange(200) / 7})
    made = pa.table({"a": np.arange(200) // 4 * 1.5, "b": np.arange(200) // 4 / 7})
    frames = prepare(made, real)
    assert duplicates(frames).value == pytest.approx(0.75)
    assert duplicates(frames).passed is False
    assert distinct(frames).value == pytest.approx(0.25)
    assert distinct(frames).passed is False


def test_texts_that_say_the_same_are_less_varied() -> None:
    """Text measures."""
    words = np.random.default_rng(0).integers(0, 500, (300, 12))
    real = pa.table({"t": [" ".join(f"w{w}" for w in row) for row in words]})
    made = pa.table({"t": [f"the same words again and again {at}" for at in range(300)]})
    result = text_variety(prepare(made, real))
    assert result is not None
    assert result.passed is False
    assert text_variety(prepare(pa.table({"a": [1]}))) is None


def test_a_faithful_copy_of_unfair_data_is_told_apart_from_an_amplified_one() -> None:
    """The four-fifths rule is held against the real ratio, less three standard errors."""
    real = applicants(0.2, 0.6)
    for seed_rates, kept in (((0.2, 0.6), True), ((0.1, 0.6), False), ((0.5, 0.6), True)):
        found = by_name(
            bias_results(prepare(applicants(*seed_rates), real), ["sex"], "hired", "yes")
        )
        assert found["outcome_ratio"].passed is kept
        assert found["outcome_difference"].passed is kept
        assert found["outcome_ratio"].threshold < 1 / 3
        assert "The real data is not fairer" in found["outcome_ratio"].sentence
        assert "three standard errors" in found["outcome_difference"].sentence
    fair = by_name(
        bias_results(prepare(applicants(0.2, 0.6), applicants(0.5, 0.5)), ["sex"], "hired", "yes")
    )
    assert fair["outcome_ratio"].threshold == 0.8
    assert fair["outcome_ratio"].passed is False
    assert "no fairer" not in fair["outcome_ratio"].sentence


def test_a_column_that_grew_unfair_is_not_hidden_by_one_that_always_was() -> None:
    rng = np.random.default_rng(1)

    def table(rate_b: float) -> pa.Table:
        rows = applicants(0.2, 0.6)
        group = np.where(rng.random(rows.num_rows) < 0.5, "a", "b")
        hired = np.array([value == "yes" for value in rows["hired"].to_pylist()])
        hired &= (group == "a") | (rng.random(rows.num_rows) < rate_b)
        return rows.set_column(1, "hired", pa.array(np.where(hired, "yes", "no"))).append_column(
            "group", pa.array(group)
        )

    found = by_name(bias_results(prepare(table(0.5), table(1.0)), ["sex", "group"], "hired", "yes"))
    assert "`group`" in found["outcome_ratio"].sentence
    assert found["outcome_ratio"].passed is False


def _ward_rows(n: int, seed: int) -> pa.Table:
    """People of 400 combinations of age and zip; illness depends on age alone."""
    rng = np.random.default_rng(seed)
    age, zipped = rng.integers(20, 60, n), rng.integers(0, 10, n)
    ill = np.where(rng.random(n) < age / 80, "yes", "no")
    return pa.table(
        {
            "age": age,
            "zip": zipped,
            "ill": ill,
            "blood": rng.choice(list("abcdefgh"), n),
            "cost": np.round(rng.lognormal(5, 1, n), 2),
        }
    )


@pytest.mark.parametrize("with_holdout", [True, False])
@pytest.mark.parametrize("attack", [linkage, homogeneity])
def test_look_ups_find_real_rows_and_nobody_among_other_people(
    attack: Metric, with_holdout: bool
) -> None:
    """A published table of the real people is caught; a table of other people is not."""
    real, held, other = _ward_rows(800, 1), _ward_rows(800, 2), _ward_rows(800, 3)
    holdout = held if with_holdout else None
    leaked = attack(prepare(real, real, holdout), ["age", "zip"])
    assert leaked is not None
    assert leaked.passed is False
    assert leaked.value is not None
    assert leaked.value > 0.25
    low, high = leaked.details["interval"]
    assert low < leaked.value < high
    free = attack(prepare(other, real, holdout), ["age", "zip"])
    assert free is not None
    assert free.passed


def test_linkage_finds_people_some_of_whose_columns_were_learned() -> None:
    """Partial synthesis leaves the kept columns real: the row is still that person's own."""
    real, held = _ward_rows(800, 1), _ward_rows(800, 2)
    made = real.set_column(2, "ill", _ward_rows(800, 4).column("ill"))
    result = linkage(prepare(made, real, held), ["age", "zip"])
    assert result is not None
    assert result.passed is False
    assert result.details["columns_that_agree"] < 3


def test_a_law_of_the_population_is_no_leak_by_homogeneity() -> None:
    """What everybody of an age has is told by every such table, also of other people."""

    def rows(seed: int) -> pa.Table:
        table = _ward_rows(800, seed)
        often = np.where(table["age"].to_numpy() < 40, 0.9, 0.1)
        ill = np.where(np.random.default_rng(seed + 9).random(800) < often, "yes", "no")
        return table.set_column(2, "ill", pa.array(ill))

    result = homogeneity(prepare(rows(3), rows(1), rows(2)), ["age"], ["ill"])
    assert result is not None
    assert result.passed
    assert min(result.details["columns"]["ill"]) > 0.8


def test_look_ups_are_measured_where_quasi_identifiers_are_named() -> None:
    real, other = _ward_rows(800, 1), _ward_rows(800, 3)
    assert "privacy.linkage" not in evaluate(other, real=real, sections=["privacy"]).scores
    report = evaluate(
        real, real=real, quasi=["age", "zip"], confidential=["ill"], sections=["privacy"],
        gates=["privacy.linkage", "privacy.homogeneity"],
    )  # fmt: skip
    assert not report.passed
    with pytest.raises(UsageError, match="are guessed from quasi-identifiers"):
        evaluate(other, real=real, confidential=["ill"])
    with pytest.raises(UsageError, match="no column `il`"):
        evaluate(other, real=real, quasi=["age"], confidential=["il"])
