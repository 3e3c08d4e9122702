"""Numeric kinds against their closed forms: quantiles by Kolmogorov-Smirnov, counts by share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.engines.builders import drawn, five_sigma_mean, five_sigma_share, ks_bound, made, numbers

N = 100_000

CONTINUOUS = {
    "uniform": ({"min": -2, "max": 5}, stats.uniform(-2, 7)),
    "normal": ({"mean": 67, "std": 3}, stats.norm(67, 3)),
    "lognormal": ({"median": 60, "sigma": 0.5}, stats.lognorm(0.5, scale=60)),
    "exponential": ({"mean": 4}, stats.expon(scale=4)),
    "gamma": ({"shape": 2.5, "scale": 3}, stats.gamma(2.5, scale=3)),
    "beta": ({"a": 2, "b": 5}, stats.beta(2, 5)),
    "pareto": ({"shape": 2.2, "min": 3}, stats.pareto(2.2, scale=3)),
}
COUNTS = {
    "poisson": ({"mean": 3.7}, stats.poisson(3.7)),
    "binomial": ({"trials": 12, "p": 0.3}, stats.binom(12, 0.3)),
    "zipf": ({"exponent": 1.1, "max": 50}, stats.zipfian(1.1, 50)),
}


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_a_continuous_kind_follows_its_distribution(kind: str) -> None:
    parameters, law = CONTINUOUS[kind]
    values = drawn({"kind": kind, **parameters}, N)
    assert stats.kstest(values, law.cdf).statistic < ks_bound(N)


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_a_continuous_kind_cut_to_bounds_follows_the_conditional_law(kind: str) -> None:
    """Bounds are kept, and inside them the shape stays."""
    parameters, law = CONTINUOUS[kind]
    low, high = law.ppf([0.3, 0.9])
    if kind in ("uniform", "pareto"):
        low = law.support()[0]
    bounds = {"max": float(high)} if kind in ("uniform", "pareto") else {"min": low, "max": high}
    values = drawn({"kind": kind, **parameters, **bounds}, N)
    below = law.cdf(low)
    inside = lambda x: (law.cdf(x) - below) / (law.cdf(high) - below)  # noqa: E731
    assert values.min() >= low
    assert values.max() <= high
    assert stats.kstest(values, inside).statistic < ks_bound(N)


@pytest.mark.parametrize("kind", COUNTS)
def test_a_count_has_the_chance_of_each_value(kind: str) -> None:
    """Integers."""
    parameters, law = COUNTS[kind]
    values = drawn({"kind": kind, **parameters}, N)
    assert values.dtype == np.int64
    assert_shares(values, law.pmf)


@pytest.mark.parametrize("kind", ["poisson", "binomial"])
def test_a_count_cut_to_bounds_follows_the_conditional_law(kind: str) -> None:
    """`min: 1` shifts no chance to the bound."""
    parameters, law = COUNTS[kind]
    values = drawn({"kind": kind, **parameters, "min": 2, "max": 5}, N)
    inside = law.pmf(np.arange(2, 6)).sum()
    assert_shares(values, lambda k: law.pmf(k) / inside if 2 <= k <= 5 else 0.0)


def test_bernoulli_is_true_with_its_chance() -> None:
    hits = drawn({"kind": "bernoulli", "p": 0.03}, N)
    assert hits.dtype == bool
    assert abs(hits.mean() - 0.03) < five_sigma_share(0.03, N)


def test_heights_have_the_mean_and_spread_of_the_source() -> None:
    """10,000 heights of 67 ± 3 inches."""
    heights = drawn({"kind": "normal", "mean": 67, "std": 3}, 10_000)
    assert abs(heights.mean() - 67) < 0.2
    assert abs(heights.std() / 3 - 1) < 0.05
    assert stats.kstest(heights, stats.norm(67, 3).cdf).statistic < 0.03


@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_a_uniform_number_with_decimals_takes_every_grid_point_alike(decimals: int) -> None:
    values = drawn({"kind": "uniform", "min": 0.25, "max": 5.31, "decimals": decimals}, N)
    steps = np.rint(values * 10**decimals)
    np.testing.assert_allclose(values, steps / 10**decimals, rtol=0, atol=1e-12)
    first, last = np.ceil(0.25 * 10**decimals), np.floor(5.31 * 10**decimals)
    assert (steps.min(), steps.max()) == (first, last)
    counts = np.bincount((steps - first).astype(int))
    p = 1 / len(counts)
    assert np.abs(counts / N - p).max() < five_sigma_share(p, N)


@pytest.mark.parametrize(
    "column",
    [
        {"kind": "normal", "mean": 0.5, "std": 0.1, "min": 0.52, "max": 0.77},
        {"kind": "normal", "mean": "m", "std": 0.1, "min": 0.52, "max": 0.77},
        {"kind": "uniform", "min": "m - 0.03", "max": "m + 0.24"},
        {"kind": "lognormal", "median": 0.6, "min": 0.55, "max": 0.74},
        {"kind": "mixture", "min": 0.52, "max": 0.77, "of": [{"kind": "normal", "mean": 0.5}]},
    ],
)
def test_rounding_keeps_the_bounds(column: dict[str, Any]) -> None:
    """Bounds kept, even where they lie between two rounded values."""
    m = {"kind": "constant", "value": 0.55}
    values = drawn({**column, "decimals": 1}, 5_000, m=m)
    assert set(values) == {0.6, 0.7}


def test_a_mixture_of_two_normals_has_both_peaks() -> None:
    """Bimodal."""
    parts = [
        {"kind": "normal", "mean": 10, "std": 1, "weight": 3},
        {"kind": "normal", "mean": 30, "std": 2},
    ]
    values = drawn({"kind": "mixture", "of": parts}, N)

    def cdf(x: np.ndarray) -> np.ndarray:
        return 0.75 * stats.norm(10, 1).cdf(x) + 0.25 * stats.norm(30, 2).cdf(x)

    assert stats.kstest(values, cdf).statistic < ks_bound(N)


def test_a_zero_inflated_amount_has_its_share_of_zeros() -> None:
    """Zero-inflated, no negative seconds."""
    parts = [
        {"kind": "uniform", "min": 0, "max": 0, "weight": 0.4},
        {"kind": "exponential", "mean": 50, "weight": 0.6},
    ]
    seconds = drawn({"kind": "mixture", "of": parts}, N)
    assert seconds.min() == 0
    assert abs((seconds == 0).mean() - 0.4) < five_sigma_share(0.4, N)
    positive = seconds[seconds > 0]
    assert stats.kstest(positive, stats.expon(scale=50).cdf).statistic < ks_bound(len(positive))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 1.0])
def test_the_share_of_missing_values_is_met(share: float) -> None:
    """Missing share within a point."""
    table = made({"x": {"kind": "normal", "nulls": share}, "y": {"kind": "normal"}}, N)
    measured = table["x"].null_count / N
    assert abs(measured - share) < min(0.01, five_sigma_share(share, N))
    assert table["y"].null_count == 0


def test_parameters_follow_other_columns_row_by_row() -> None:
    """A column depends on another by its parameters."""
    size = {"kind": "uniform", "min": 10, "max": 100}
    rent = {"kind": "normal", "mean": "20 * size", "std": "size"}
    table = made({"size": size, "rent": rent}, N)
    z = (numbers(table, "rent") - 20 * numbers(table, "size")) / numbers(table, "size")
    assert stats.kstest(z, stats.norm.cdf).statistic < ks_bound(N)
    assert abs(np.corrcoef(z, numbers(table, "size"))[0, 1]) < five_sigma_mean(1, N)


@pytest.mark.parametrize(
    ("column", "law"),
    [
        ({"kind": "poisson", "mean": "k"}, stats.poisson),
        ({"kind": "binomial", "trials": "k", "p": 0.4}, lambda k: stats.binom(k, 0.4)),
        ({"kind": "exponential", "mean": "k"}, lambda k: stats.expon(scale=k)),
        ({"kind": "gamma", "shape": "k", "scale": 2}, lambda k: stats.gamma(k, scale=2)),
        ({"kind": "beta", "a": "k", "b": 2}, lambda k: stats.beta(k, 2)),
        ({"kind": "lognormal", "median": "k", "sigma": 1}, lambda k: stats.lognorm(1, scale=k)),
        ({"kind": "pareto", "shape": "k + 2", "min": "k"}, lambda k: stats.pareto(k + 2, scale=k)),
        ({"kind": "uniform", "min": "k", "max": "2 * k"}, lambda k: stats.uniform(k, k)),
    ],
)
def test_every_kind_takes_parameters_by_row(column: dict[str, Any], law: Any) -> None:
    """Each group of rows follows the law of its own parameters."""
    k = {"kind": "uniform", "min": 2, "max": 6, "decimals": 0}
    table = made({"k": k, "x": column}, N)
    for value in range(2, 7):
        group = numbers(table, "x")[numbers(table, "k") == value]
        if column["kind"] in COUNTS:
            assert_shares(group, law(value).pmf)
        else:
            assert stats.kstest(group, law(value).cdf).statistic < ks_bound(len(group))


@pytest.mark.parametrize(
    ("column", "law"),
    [
        ({"kind": "normal", "mean": "k", "std": 2}, lambda k: stats.norm(k, 2)),
        ({"kind": "gamma", "shape": "k", "scale": 2}, lambda k: stats.gamma(k, scale=2)),
        ({"kind": "exponential", "mean": "k"}, lambda k: stats.expon(scale=k)),
    ],
)
def test_bounds_follow_other_columns_row_by_row(column: dict[str, Any], law: Any) -> None:
    """Bounds that leave little room are met by inversion, with the same shape."""
    k = {"kind": "uniform", "min": 2, "max": 3, "decimals": 0}
    table = made({"k": k, "x": {**column, "min": "k + 6"}}, 5_000)
    for value in (2, 3):
        group, own = numbers(table, "x")[numbers(table, "k") == value], law(value)
        above = (group - (value + 6)) / 1.0
        assert above.min() >= 0
        tail = own.sf(group) / own.sf(value + 6)
        assert stats.kstest(tail, stats.uniform.cdf).statistic < ks_bound(len(group))


def test_a_count_with_bounds_by_row_keeps_its_lowest_value() -> None:
    """`min: 1` of a count includes 1 when parameters vary by row."""
    counts = drawn(
        {"kind": "poisson", "mean": "m", "min": 1}, N, m={"kind": "constant", "value": 0.02}
    )
    law = stats.poisson(0.02)
    assert_shares(counts, lambda k: law.pmf(k) / law.sf(0) if k >= 1 else 0.0)


@pytest.mark.parametrize(
    ("column", "mean", "sd"),
    [
        ({"kind": "poisson", "mean": 1e10}, 1e10, 1e5),
        ({"kind": "binomial", "trials": 10**9, "p": 0.5}, 5e8, np.sqrt(2.5e8)),
    ],
)
def test_large_counts_need_no_large_tables(column: dict[str, Any], mean: float, sd: float) -> None:
    counts = drawn(column, 10_000)
    assert abs(counts.mean() - mean) < five_sigma_mean(sd, 10_000)
    assert abs(counts.std() / sd - 1) < five_sigma_mean(1, 10_000)


def assert_shares(values: np.ndarray, chance: Any) -> None:
    """Each value that occurs, or should, has its share."""
    for k in range(int(values.min()), int(values.max()) + 1):
        p = float(chance(k))
        assert abs((values == k).mean() - p) < five_sigma_share(p, len(values)), k
