"""Numbers that no single distribution fits are written as mixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import fabula as fb
from fabula.io.arrays import correlation, mean_ranks
from fabula.kinds.mixture import Mixture

N = 4_000


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def often_zero() -> NDArray[np.float64]:
    return np.where(rng().random(N) < 0.4, 0, rng().lognormal(3, 0.5, N)).round(2)


def two_groups() -> NDArray[np.float64]:
    return np.where(rng().random(N) < 0.5, rng().normal(20, 3, N), rng().normal(200, 10, N))


def gap_and_tail() -> NDArray[np.float64]:
    return np.concatenate([rng().uniform(0, 1, N // 2), rng().pareto(2.5, N // 2) + 5])


def counts_with_zeros() -> NDArray[np.int64]:
    return np.where(rng().random(N) < 0.3, 0, rng().integers(1_000, 90_000, N))


@pytest.mark.parametrize("draw", [often_zero, two_groups, gap_and_tail, counts_with_zeros])
def test_generated_numbers_are_spread_as_the_datas(draw: Callable[[], NDArray[Any]]) -> None:
    real = pa.table({"x": draw()})
    found = fb.infer({"t": real})
    assert isinstance(found.spec.tables["t"].columns["x"], Mixture)
    made = fb.generate(found, {"t": 20_000}, seed=1)["t"]["x"]
    assert made.type == real["x"].type
    ours, theirs = np.sort(made.to_numpy()), np.sort(real["x"].to_numpy())
    points = np.union1d(ours, theirs)
    shares = [np.searchsorted(side, points, "right") / len(side) for side in (ours, theirs)]
    assert np.abs(shares[0] - shares[1]).max() < 0.035
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.1)
    assert theirs.min() <= ours.min() <= ours.max() <= theirs.max()


def test_no_number_lies_where_the_data_has_a_gap() -> None:
    made = fb.generate(fb.infer({"t": pa.table({"x": gap_and_tail()})}), seed=2)["t"]["x"]
    assert not ((made.to_numpy() > 1.01) & (made.to_numpy() < 4.99)).any()


def test_a_mixture_keeps_its_correlation() -> None:
    rain = often_zero()
    runoff = rain * rng().lognormal(0, 0.2, N) + rng().normal(50, 2, N)
    real = pa.table({"rain": rain, "runoff": runoff.round(3)})
    made = fb.generate(fb.infer({"t": real}), seed=3)["t"]
    ranks = [[mean_ranks(table[name].to_numpy()) for name in ("rain", "runoff")]
             for table in (real, made)]  # fmt: skip
    theirs, ours = (correlation(*pair) for pair in ranks)
    assert abs(theirs - ours) < 0.08
