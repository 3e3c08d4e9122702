"""Which synthesizer suits data: a trial of each on some of the rows."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb


def curved(rows: int = 900) -> pa.Table:
    """A number that is high at both ends of another one, which a copula can't learn."""
    rng = np.random.default_rng(0)
    x, kind = rng.normal(size=rows), rng.integers(0, 2, rows)
    y = np.where(kind == 1, x**2, -(x**2)) + rng.normal(0, 0.1, rows)
    return pa.table({"x": x, "y": y, "kind": kind.astype(str), "z": np.sin(3 * x)})


@pytest.fixture(scope="module")
def advice() -> fb.Advice:
    """The advice on curves."""
    return fb.advise(curved(), seed=1)


def test_the_model_is_advised_whose_rows_are_hardest_to_tell_from_unseen_ones(advice):
    found = {trial.model: trial for trial in advice.trials}
    assert {"boosted", "mixture", "copula"} <= set(found)
    assert found["copula"].detection > found["boosted"].detection + 0.1
    assert advice.model != "copula"
    assert (advice.rows, advice.learned, advice.apart) == (900, 600, 300)
    assert advice.baseline < 0.6


def test_the_report_tells_figures_seconds_and_what_was_not_tried(advice):
    told = advice.report()
    assert told.startswith(f"{advice.model} suits best: ")
    assert all(f"{trial.detection:.3f}" in told for trial in advice.trials)
    assert "not tried: private: needs a privacy budget" in told
    assert set(advice.untried) == {"gan", "private", "vae"}
    assert all(trial.all_rows >= trial.seconds > 0 for trial in advice.trials)


def test_advice_is_written_as_json(advice, tmp_path):
    advice.write(tmp_path / "advice.json")
    told = json.loads((tmp_path / "advice.json").read_text(encoding="utf-8"))
    assert told["model"] == advice.model
    assert [trial["model"] for trial in told["trials"]] == [t.model for t in advice.trials]


def test_of_several_tables_nothing_is_tried():
    advice = fb.advise({"a": curved(30), "b": curved(40)})
    assert (advice.model, advice.trials, advice.rows) == ("boosted", (), 70)


def test_of_few_rows_nothing_is_tried_and_of_fewer_nothing_can_be_learned():
    advice = fb.advise(curved(22))
    assert (advice.model, advice.trials) == ("boosted", ())
    assert "22 rows are too few to try models" in advice.report()
    with pytest.raises(fb.errors.SourceError, match="too few to learn from"):
        fb.advise(curved(12))
