"""LightGBM by its C interface gives what its Python package gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fabula.evaluation.metrics.lightgbm_calls import LightgbmError, boosted


@pytest.mark.slow  # the package alone takes two seconds to import
@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("weighted", [False, True])
def test_predictions_equal_those_of_the_package(task: str, weighted: bool) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=600), rng.integers(0, 9, 600)])
    rows[rng.random(600) < 0.1, 0] = np.nan
    answers = {
        "binary": (rows[:, 1] > 4).astype(int),
        "regression": rng.normal(size=600) + rows[:, 1],
        "multiclass": rng.integers(0, 3, 600),
    }[task]
    weights = rng.random(600) if weighted else None
    settings = {"objective": task, "seed": 3, "deterministic": True, "num_threads": 1,
                "verbosity": -1, "min_data_in_bin": 1}  # fmt: skip
    settings |= {"num_class": 3} if task == "multiclass" else {}
    data = lightgbm.Dataset(
        rows, answers, weight=weights, categorical_feature=[1], params={"min_data_in_bin": 1}
    )
    expected = lightgbm.train(settings, data, 20).predict(rows[:50])
    made = boosted(
        rows, answers, rows[:50], settings={**settings, "categorical_feature": [1]}, rounds=20,
        weights=weights,
    )  # fmt: skip
    assert np.array_equal(made, expected)


def test_what_lightgbm_refuses_is_said_in_its_words() -> None:
    pytest.importorskip("scipy")
    rows = np.zeros((40, 1))
    with pytest.raises(LightgbmError, match="objective"):
        boosted(
            rows, np.zeros(40), rows, settings={"objective": "no such", "verbosity": -1}, rounds=1
        )


def test_a_library_that_does_not_load_is_told_with_what_helps(tmp_path: Path) -> None:
    """Slim images lack OpenMP; in a process of its own, since a library stays loaded."""
    (tmp_path / "lightgbm" / "lib").mkdir(parents=True)
    (tmp_path / "lightgbm" / "__init__.py").touch()
    (tmp_path / "lightgbm" / "lib" / "lib_lightgbm.so").write_text("not a library")
    code = "from fabula.evaluation.metrics import lightgbm_calls as calls; calls._library()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert "lightgbm can't be loaded" in done.stderr
    assert "libgomp1" in done.stderr
