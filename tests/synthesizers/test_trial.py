"""The card names the default gates that drawn rows miss, as `evaluate` does afterwards."""

from __future__ import annotations

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
    return {gate.metric for gate in report.gates if not gate.passed}, str(synthesizer.card())


def test_a_small_table_whose_extremes_are_hidden_misses_its_range() -> None:
    """442 rows without the ten smallest and largest numbers of each column."""
    gates, card = missed(datasets.load_diabetes(as_frame=True).frame, "copula")
    assert "quality.coverage" in gates
    assert "drawn rows miss the default gate `quality.coverage`" in card
    assert "the 10 smallest and largest numbers" in card


def test_a_model_that_cannot_keep_a_relation_says_so() -> None:
    """A copula knows nothing of a number that is high at both ends of another one."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=1_000)
    real = pd.DataFrame({"x": x, "y": x**2 + rng.normal(0, 0.1, 1_000)})
    gates, card = missed(real, "copula")
    assert "quality.dependence" in gates
    assert "drawn rows miss the default gate `quality.dependence`" in card


@pytest.mark.parametrize("holdout", [0.0, 0.2])
def test_a_model_that_misses_none_warns_of_none(holdout: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=2_000)
    real = pd.DataFrame({"x": x, "y": x + rng.normal(size=2_000), "z": rng.integers(0, 5, 2_000)})
    assert "gate" not in str(fb.fit(real, holdout=holdout, seed=1).card())
