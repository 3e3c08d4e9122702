"""The card names the default gates that drawn rows miss, as `evaluate` does afterwards."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

import fabula as fb


def missed(real: pd.DataFrame, model: str) -> tuple[set[str], str]:
    """The gates that the documented call misses, and the card."""
    synthesizer = fb.fit(real, model=model, seed=1)
    rows = synthesizer.sample(synthesizer.card().rows, seed=1)
    report = fb.evaluate(
        rows, real=real, holdout=synthesizer.holdout, sections=["quality", "privacy"], gates=True
    )
    return {gate.metric for gate in report.gates if gate.passed is False}, str(synthesizer.card())


def test_a_small_table_whose_extremes_are_hidden_misses_its_range() -> None:
    """442 rows without the ten smallest and largest numbers of each column."""
    gates, card = missed(datasets.load_diabetes(as_frame=True).frame, "copula")
    assert "quality.coverage" in gates
    assert re.search(r"drawn rows miss the default gates? [^:]*`quality.coverage`", card)
    assert "the 10 smallest and largest numbers" in card


def test_a_model_that_cannot_keep_a_relation_says_so() -> None:
    """A copula knows nothing of a number that is high at both ends of another one."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=1_000)
    real = pd.DataFrame({"x": x, "y": x**2 + rng.normal(0, 0.1, 1_000)})
    gates, card = missed(real, "copula")
    assert "quality.dependence" in gates
    assert re.search(r"drawn rows miss the default gates? [^:]*`quality.dependence`", card)


@pytest.mark.parametrize("holdout", [0.0, 0.2])
def test_a_model_that_misses_none_warns_of_none(holdout: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=2_000)
    real = pd.DataFrame({"x": x, "y": x + rng.normal(size=2_000), "z": rng.integers(0, 5, 2_000)})
    assert "gate" not in str(fb.fit(real, holdout=holdout, seed=1).card())


def test_every_gate_that_a_model_misses_is_named() -> None:
    """A copula misses several at once on a table whose columns depend on each other in curves."""
    rng = np.random.default_rng(1)
    x, kind = rng.normal(size=700), rng.integers(0, 2, 700)
    y = np.where(kind == 1, x**2, -(x**2)) + rng.normal(0, 0.05, 700)
    real = pd.DataFrame({"x": x, "y": y, "kind": kind, "z": np.sin(3 * x)})
    gates, card = missed(real, "copula")
    assert len(gates) > 1
    assert all(f"`{gate}`" in card for gate in gates if gate != "quality.linear_detection")


def test_tables_that_are_learned_together_name_their_missed_gates() -> None:
    rng = np.random.default_rng(2)
    people = pd.DataFrame({"person_id": range(1, 121), "age": rng.gamma(2, 20, 120)})
    bills = pd.DataFrame(
        {"bill_id": range(1, 601), "person_id": rng.integers(1, 121, 600),
         "paid": rng.pareto(1.2, 600)}
    )  # fmt: skip
    model = fb.fit({"people": people, "bills": bills}, seed=1)
    assert "bills: warning: drawn rows miss the default gate" in model.card()
    assert "`quality.coverage`" in model.notes["bills"]


def test_tables_of_more_rows_than_are_judged_are_judged_with_their_keys() -> None:
    """Children and parents, of which both have more rows than a trial looks at."""
    rng = np.random.default_rng(1)
    shops = pd.DataFrame({"shop_id": np.arange(5_500), "size": rng.integers(1, 9, 5_500)})
    sales = pd.DataFrame(
        {"sale_id": np.arange(6_500), "shop_id": rng.integers(0, 5_500, 6_500), "n": [1, 2] * 3_250}
    )
    card = fb.fit({"shops": shops, "sales": sales}, seed=1).card()
    assert "key sales.shop_id → shops.shop_id" in str(card)
    assert "no default gate was measured" not in str(card)
