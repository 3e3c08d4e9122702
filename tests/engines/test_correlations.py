"""Columns that vary together keep their own distributions and reach their correlation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from fabula.errors import SpecError
from tests.engines.builders import ks_bound, made, numbers, violation

N = 200_000
MARGINALS: dict[str, dict[str, Any]] = {
    "normal": {"kind": "normal", "mean": 170, "std": 8},
    "lognormal": {"kind": "lognormal", "median": 60, "sigma": 0.8},
    "exponential": {"kind": "exponential", "mean": 3},
    "gamma": {"kind": "gamma", "shape": 0.7, "scale": 2},
    "beta": {"kind": "beta", "a": 0.5, "b": 2},
    "pareto": {"kind": "pareto", "shape": 5, "min": 2},  # r of 3 varies by 0.02 from seed to seed
    "uniform": {"kind": "uniform", "min": 5, "max": 9},
    "poisson": {"kind": "poisson", "mean": 1.5},
    "rare": {"kind": "poisson", "mean": 0.2},
    "binomial": {"kind": "binomial", "trials": 6, "p": 0.3},
    "truncated": {"kind": "normal", "mean": 0, "std": 1, "min": 0.2, "max": 1.5},
    "at least one": {"kind": "poisson", "mean": 1.5, "min": 1, "max": 6},
    "rounded": {"kind": "normal", "mean": 2, "std": 0.6, "decimals": 0},
    "large": {"kind": "poisson", "mean": 1e8},
    "two groups": {
        "kind": "mixture",
        "of": [{"kind": "normal", "mean": 20, "std": 3}, {"kind": "normal", "mean": 90, "std": 5}],
    },
    "often zero": {
        "kind": "mixture",
        "of": [{"kind": "uniform", "min": 0, "max": 0}, {"kind": "lognormal", "median": 9}],
        "decimals": 2,
    },
    "listed": {"kind": "choice", "values": [3, 1, 2, 0], "weights": [5, 40, 15, 40]},
}


WITH_TIES = {"poisson", "rare", "binomial", "at least one", "rounded", "listed", "often zero"}


@pytest.mark.parametrize("name", [name for name in MARGINALS if name != "normal"])
def test_pearsons_correlation_with_any_distribution_is_met(name: str) -> None:
    """|difference| below 0.02."""
    columns = {"a": MARGINALS["normal"], "b": MARGINALS[name]}
    table = made(columns, N, correlations=[{"columns": ["a", "b"], "r": 0.6}])
    assert abs(np.corrcoef(numbers(table, "a"), numbers(table, "b"))[0, 1] - 0.6) < 0.02


@pytest.mark.parametrize("name", sorted(MARGINALS.keys() - {"normal"} - WITH_TIES))
def test_spearmans_correlation_is_met_where_values_hardly_repeat(name: str) -> None:
    """|difference| below 0.02."""
    columns = {"a": MARGINALS["normal"], "b": MARGINALS[name]}
    asked = {"columns": ["a", "b"], "r": 0.6, "method": "spearman"}
    table = made(columns, N // 2, correlations=[asked])
    assert abs(stats.spearmanr(numbers(table, "a"), numbers(table, "b")).statistic - 0.6) < 0.02


@pytest.mark.parametrize("name", MARGINALS)
def test_a_correlated_column_keeps_its_distribution(name: str) -> None:
    """Bounds and shares as without the correlation."""
    columns = {"a": MARGINALS["normal"], "b": MARGINALS[name]}
    n = 50_000
    alone = numbers(made({"b": MARGINALS[name]}, n), "b")
    asked = {"columns": ["a", "b"], "r": 0.5}
    together = numbers(made(columns, n, correlations=[asked]), "b")
    assert stats.ks_2samp(alone, together).statistic < np.sqrt(2) * ks_bound(n)
    assert together.dtype == alone.dtype


@pytest.mark.parametrize("r", [-1, -0.7, 0, 0.7, 1])
def test_two_normals_reach_every_correlation(r: float) -> None:
    """Normal(170, 8) with corr 0.7, met numerically."""
    columns = {"height": MARGINALS["normal"], "weight": {"kind": "normal", "mean": 70, "std": 9}}
    table = made(columns, N, correlations=[{"columns": ["height", "weight"], "r": r}])
    height, weight = numbers(table, "height"), numbers(table, "weight")
    assert abs(np.corrcoef(height, weight)[0, 1] - r) < 0.01
    assert abs(height.mean() - 170) < 5 * 8 / np.sqrt(N)
    assert abs(height.std() - 8) < 5 * 8 / np.sqrt(2 * N)


def test_a_whole_matrix_is_met() -> None:
    """Four columns of different kinds."""
    names = ["normal", "lognormal", "uniform", "poisson"]
    matrix = [[1, 0.5, -0.4, 0.3], [0.5, 1, -0.2, 0.4], [-0.4, -0.2, 1, 0], [0.3, 0.4, 0, 1]]
    columns = {name: MARGINALS[name] for name in names}
    table = made(columns, N, correlations=[{"columns": names, "matrix": matrix}])
    reached = np.corrcoef([numbers(table, name) for name in names])
    assert np.abs(reached - matrix).max() < 0.02


def test_missing_values_leave_the_correlation() -> None:
    columns = {"a": {"kind": "normal", "nulls": 0.2}, "b": {"kind": "normal"}}
    table = made(columns, N, correlations=[{"columns": ["a", "b"], "r": 0.7}])
    there = table.filter(table["a"].is_valid())
    assert abs(table["a"].null_count / N - 0.2) < 0.01
    assert abs(np.corrcoef(numbers(there, "a"), numbers(there, "b"))[0, 1] - 0.7) < 0.01


def test_a_contradictory_matrix_is_an_error() -> None:
    """Named, with what to do."""
    matrix = [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]
    columns = {name: {"kind": "normal"} for name in "abc"}
    with pytest.raises(SpecError) as caught:
        made(columns, 10, correlations=[{"columns": list("abc"), "matrix": matrix}])
    assert caught.value.code == "spec.bad-correlation"
    assert caught.value.message == (
        "these correlations contradict each other (no such matrix can exist)"
    )
    assert caught.value.where == "tables.t.correlations.0"
    assert caught.value.hint == "make the largest ones smaller"


def test_a_correlation_that_two_distributions_can_not_have_is_an_error() -> None:
    """The reachable range is named."""
    wide = {"kind": "lognormal", "sigma": 2}
    with pytest.raises(SpecError) as caught:
        made(
            {"a": wide, "b": {"kind": "normal"}},
            10,
            correlations=[{"columns": ["a", "b"], "r": 0.95}],
        )
    assert caught.value.code == "spec.bad-correlation"
    assert "a correlation of 0.95 between" in caught.value.message
    assert "their distributions allow -0.27 to 0.27" in caught.value.message


def test_every_value_of_a_correlated_mixture_is_one_of_its_components() -> None:
    """Rounded as its component is, and never between two of them; shares are the weights."""
    spent = {
        "kind": "mixture",
        "of": [
            {"kind": "uniform", "min": 0, "max": 0, "weight": 0.3},
            {"kind": "lognormal", "median": 9, "min": 5, "decimals": 2, "weight": 0.5},
            {"kind": "uniform", "min": 7, "max": 90, "decimals": 0, "weight": 0.2},
        ],
    }
    columns = {"a": MARGINALS["normal"], "b": spent}
    values = numbers(made(columns, N, correlations=[{"columns": ["a", "b"], "r": 0.6}]), "b")
    assert not ((values > 0) & (values < 5)).any()
    assert (np.round(values, 2) == values).all()
    assert abs((values == 0).mean() - 0.3) < 0.01
    assert abs((values > 40).mean() - 0.2 * 50 / 83 - 0.5 * 0.094) < 0.005


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"kind": "choice", "values": ["x", "y"]}, "it must be a distribution with plain numbers"),
        ({"kind": "zipf"}, "it must be a distribution with plain numbers"),
        ({"kind": "bernoulli"}, "it must be a distribution with plain numbers"),
        ({"kind": "normal", "mean": "b"}, "it must be a distribution with plain numbers"),
        ({"kind": "mixture", "of": [{"kind": "zipf"}]}, "must be a distribution with plain"),
        ({"kind": "normal", "unique": True}, "`a` can't be both correlated and unique"),
    ],
)
def test_columns_that_can_not_be_correlated_are_named(column: dict[str, Any], message: str) -> None:
    columns = {"a": column, "b": {"kind": "normal"}}
    asked = [{"columns": ["a", "b"], "r": 0.5}]
    found = violation({"t": {"n": 1, "columns": columns, "correlations": asked}})
    assert (found.code, found.where) == ("spec.bad-correlation", "tables.t.correlations.0")
    assert message in found.message


@pytest.mark.parametrize(
    "groups", [[["a", "a"]], [["a", "b"], ["b", "c"]]], ids=["with itself", "in two groups"]
)
def test_a_column_is_correlated_once(groups: list[list[str]]) -> None:
    """A second group would undo the first silently."""
    asked = [{"columns": group, "r": 0.5} for group in groups]
    columns = {name: {"kind": "normal"} for name in "abc"}
    found = violation({"t": {"n": 1, "columns": columns, "correlations": asked}})
    assert "is correlated twice" in found.message
    assert found.hint == "give all its correlations in one `matrix`"
