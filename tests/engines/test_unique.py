"""Values and combinations that may not repeat: drawn so, redrawn until so, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import fabula as fb
from fabula.errors import CheckError, SpecError
from tests.engines.builders import ks_bound, made, made_tables, numbers, planned, violation

UNIQUE: dict[str, tuple[dict[str, Any], int]] = {
    "choice": ({"kind": "choice", "values": list(range(50))}, 50),
    "choice with weights": ({"kind": "choice", "values": {"a": 1, "b": 0, "c": 2}}, 2),
    "choice that repeats": ({"kind": "choice", "values": ["a", "a", "b"]}, 2),
    "choice of mixed types": ({"kind": "choice", "values": ["1", 1, 2.5, True]}, 3),
    "choice with a null": ({"kind": "choice", "values": ["a", "b", None]}, 2),
    "uniform": ({"kind": "uniform", "min": 1, "max": 1_000, "decimals": 0}, 1_000),
    "whole numbers of 64 bits": (
        {"kind": "uniform", "min": -(2**63), "max": 2**63 - 1, "decimals": 0},
        0,
    ),
    "uniform off the grid": ({"kind": "uniform", "min": 0.05, "max": 0.25, "decimals": 1}, 2),
    "pattern": ({"kind": "pattern", "regex": "[A-Z][0-9]{2}"}, 2_600),
    "pattern drawn in many ways": ({"kind": "pattern", "regex": "[ab]+[a-c]?"}, 0),
    "email": ({"kind": "person", "field": "email"}, 0),
    "person": ({"kind": "person", "field": "name"}, 0),
    "normal": ({"kind": "normal", "decimals": 3}, 0),
    "datetime": ({"kind": "datetime", "start": "2024-01-01", "within": "1d"}, 0),
}


@pytest.mark.parametrize("name", UNIQUE)
def test_unique_values_never_repeat(name: str) -> None:
    """Unique, up to the last value where values can be numbered."""
    column, places = UNIQUE[name]
    n = places or 500
    values = made({"x": {**column, "unique": True}}, n)["x"].to_pylist()
    assert len(set(values)) == n
    assert None not in values


@pytest.mark.parametrize("name", [name for name, (_, places) in UNIQUE.items() if places])
def test_more_rows_than_values_is_an_error_before_the_run(name: str) -> None:
    """An impossible rule is named in bounded time."""
    column, places = UNIQUE[name]
    found = violation({"t": {"n": places + 1, "columns": {"x": {**column, "unique": True}}}})
    assert found.code == "plan.too-few-values"
    assert found.message == (
        f"only {places:,} distinct values of `x` for {places + 1:,} rows that must differ"
    )
    assert found.where == "tables.t.columns.x.unique"
    assert found.hint == f"ask for at most {places:,} rows, or allow more values"


@pytest.mark.parametrize(
    ("column", "places"),
    [
        ({"kind": "normal", "min": 0, "max": 5, "decimals": 0}, 6),
        ({"kind": "beta", "a": 1, "b": 1, "decimals": 1}, 11),
        ({"kind": "poisson", "mean": 2, "min": 1, "max": 4}, 4),
        ({"kind": "binomial", "trials": 3, "p": 0.5}, 4),
        ({"kind": "zipf", "max": 7}, 7),
        ({"kind": "bernoulli"}, 2),
        ({"kind": "constant", "value": "x"}, 1),
        ({"kind": "pattern", "regex": "[0-9]"}, 10),
        ({"kind": "datetime", "start": "2024-01-01", "end": "2024-01-05", "date": True}, 4),
    ],
)
def test_the_values_of_every_bounded_kind_are_counted(column: dict[str, Any], places: int) -> None:
    found = violation({"t": {"n": 100, "columns": {"x": {**column, "unique": True}}}})
    assert f"only {places} distinct values of `x` for 100 rows" in found.message


def test_values_that_run_out_in_the_run_are_an_error_in_bounded_time() -> None:
    columns = {
        "x": {"kind": "expr", "sql": "floor(y)", "unique": True},
        "y": {"kind": "uniform", "min": 0, "max": 10},
    }
    with pytest.raises(CheckError) as caught:
        made(columns, 100)
    assert caught.value.code == "plan.too-few-values"
    assert caught.value.message == "only 10 distinct values of `x` were found for 100 rows"
    assert caught.value.hint == "ask for fewer rows, or allow more values"


def test_numbered_values_run_out_for_drawn_numbers_of_rows_too() -> None:
    """Where the rows are known only in the run."""
    tables = {
        "p": {"n": 30, "columns": {"id": {"kind": "key"}}},
        "c": {
            "per_parent": {"of": "p", "distribution": {"kind": "exponential", "mean": 3.2}},
            "columns": {
                "p": {"kind": "reference", "to": "p"},
                "x": {"kind": "uniform", "min": 1, "max": 97, "decimals": 0, "unique": True},
            },
        },
    }
    outcomes = set()
    for seed in range(12):
        try:
            values = made_tables(tables, seed=seed)["c"]["x"].to_pylist()
            outcomes.add(len(set(values)) == len(values))
        except CheckError as error:
            outcomes.add(error.code)
    assert outcomes == {True, "plan.too-few-values"}


def test_missing_values_may_repeat() -> None:
    """Nulls are not a value."""
    values = made({"x": {"kind": "normal", "decimals": 2, "unique": True, "nulls": 0.5}}, 600)["x"]
    there = values.drop_null().to_pylist()
    assert 200 < values.null_count < 400
    assert len(set(there)) == len(there)


def test_zero_counts_as_a_value() -> None:
    """No value is mistaken for a missing one."""
    column = {"kind": "normal", "std": 2, "min": -4, "max": 4, "decimals": 0, "unique": True}
    values = made({"x": column}, 7)["x"].to_pylist()
    assert len(set(values)) == 7


def test_unique_values_keep_their_distribution() -> None:
    """Few redraws change little."""
    n = 100_000
    values = numbers(made({"x": {"kind": "normal", "decimals": 8, "unique": True}}, n), "x")
    assert len(set(values)) == n
    assert stats.kstest(values, stats.norm.cdf).statistic < ks_bound(n)


GROUPS: dict[str, dict[str, Any]] = {
    "shelf": {"kind": "choice", "values": ["a", "b", "c", "d"]},
    "place": {"kind": "uniform", "min": 1, "max": 40, "decimals": 0},
    "day": {"kind": "datetime", "start": "2024-01-01", "within": "30d", "date": True},
    "open": {"kind": "bernoulli"},
    "name": {"kind": "person", "field": "first_name"},
}


@pytest.mark.parametrize(
    "groups",
    [
        [["shelf", "place"]],
        [["shelf", "place"], ["place", "day"]],
        [["shelf", "place"], ["day", "open", "name"], ["open", "place", "day"]],
    ],
)
def test_groups_of_mixed_kinds_never_repeat(groups: list[list[str]]) -> None:
    """Overlapping groups hold together."""
    table = made(GROUPS, 100, unique=groups)
    for group in groups:
        assert table.group_by(group).aggregate([]).num_rows == 100


def test_a_group_of_a_reference_and_a_value_never_repeats() -> None:
    """Composite keys of mixed kinds."""
    columns = {"p": {"kind": "reference", "to": "p"}, "x": GROUPS["place"]}
    tables = made_tables(
        {
            "p": {"n": 10, "columns": {"id": {"kind": "key"}}},
            "free": {"n": 300, "columns": columns, "primary_key": ["p", "x"]},
            "driven": {
                "per_parent": {"of": "p", "min": 5, "max": 25},
                "columns": columns,
                "unique": [["p", "x"]],
            },
        }
    )
    for name in ("free", "driven"):
        assert tables[name].group_by(["p", "x"]).aggregate([]).num_rows == tables[name].num_rows


def test_too_few_combinations_are_an_error_before_the_run() -> None:
    found = violation({"t": {"n": 9, "columns": GROUPS, "unique": [["shelf", "open"]]}})
    assert found.message == (
        "only 8 distinct values of `shelf` and `open` for 9 rows that must differ"
    )
    assert found.where == "tables.t.unique.0"


def test_redrawing_keeps_correlated_columns_and_people_together() -> None:
    """A redrawn row is one drawing, not a mixture of two."""
    n = 5_000
    columns = {
        "a": {"kind": "normal", "decimals": 2},
        "b": {"kind": "normal"},
        "half": {"kind": "expr", "sql": "a / 2"},
        "first": {"kind": "person", "field": "first_name"},
        "last": {"kind": "person", "field": "last_name"},
        "full": {"kind": "person", "field": "name"},
        "k": {"kind": "uniform", "min": 1, "max": 60, "decimals": 0},
    }
    correlation = {"columns": ["a", "b"], "r": 0.99}
    table = made(columns, n, unique=[["a", "k"], ["last", "k"]], correlations=[correlation])
    assert table.group_by(["a", "k"]).aggregate([]).num_rows == n
    residual = numbers(table, "b") - 0.99 * numbers(table, "a")
    assert np.abs(residual).max() < 7 * np.sqrt(1 - 0.99**2)
    assert (numbers(table, "half") == numbers(table, "a") / 2).all()
    rows = table.to_pylist()
    assert all(f"{row['first']} {row['last']}" == row["full"] for row in rows)


def test_unique_values_reach_over_blocks() -> None:
    """200,000 rows in four blocks."""
    columns = {
        "a": {"kind": "uniform", "min": 1, "max": 200_000, "decimals": 0, "unique": True},
        "b": {"kind": "normal", "decimals": 6, "unique": True},
    }
    table = made(columns, 200_000)
    assert sorted(table["a"].to_pylist()) == list(range(1, 200_001))
    assert len(set(table["b"].to_pylist())) == 200_000


@given(
    low=st.integers(-1_000, 1_000),
    width=st.integers(0, 60),
    decimals=st.integers(0, 2),
    seed=st.integers(0, 2**64),
)
def test_unique_numbers_fill_any_grid(low: int, width: int, decimals: int, seed: int) -> None:
    """All values of a range, each once."""
    scale = 10**decimals
    bounds = {"min": low / scale, "max": (low + width) / scale}
    column = {"kind": "uniform", **bounds, "decimals": decimals, "unique": True}
    values = numbers(made({"x": column}, width + 1, seed=seed), "x")
    assert np.array_equal(np.sort(np.rint(values * scale)), np.arange(low, low + width + 1))


def test_unknown_columns_in_groups_are_named() -> None:
    found = violation({"t": {"n": 1, "columns": GROUPS, "unique": [["shelf", "plaice"]]}})
    assert (found.code, found.hint) == ("spec.unknown-column", "did you mean `place`?")
    assert found.message == "table `t` has no column `plaice`"
    assert planned({"t": {"n": 1, "columns": GROUPS}}).order == ("t",)


def test_a_unique_check_that_is_mended_by_drawing_again_is_kept_from_the_start() -> None:
    """400 of 780 pairs, one of few codes, alongside each other."""
    skus = [f"{letter}{number}" for letter in "abc" for number in range(13)]
    checks = [
        {"kind": "unique", "columns": columns, "repair": "resample"}
        for columns in (["tenant_id", "sku"], ["code"])
    ]
    tables: dict[str, Any] = {
        "tenants": {"n": 20, "columns": {"id": {"kind": "key"}}},
        "products": {
            "n": 400,
            "columns": {
                "tenant_id": {"kind": "reference", "to": "tenants"},
                "sku": {"kind": "choice", "values": skus},
                "code": {"kind": "pattern", "regex": "[a-z]{2}"},
            },
            "checks": checks,
        },
    }
    rows = fb.generate({"tables": tables})["products"].to_pylist()
    assert len({(row["tenant_id"], row["sku"]) for row in rows}) == 400
    assert len({row["code"] for row in rows}) == 400
    tables["products"]["n"] = 700
    with pytest.raises(SpecError) as caught:
        fb.generate({"tables": tables})
    (problem,) = caught.value.violations
    assert (problem.code, problem.where) == ("plan.too-few-values", "tables.products.checks.1")


def test_references_that_are_weighted_keep_their_weights_under_a_unique_check() -> None:
    """Such combinations can't be drawn so that they differ: the whole table is drawn again."""
    tables: dict[str, Any] = {
        "a": {"n": 50, "columns": {"id": {"kind": "key"}}},
        "b": {
            "n": 3,
            "columns": {
                "a_id": {"kind": "reference", "to": "a", "skew": 1.2},
                "x": {"kind": "choice", "values": ["u", "v", "w"]},
            },
            "checks": [{"kind": "unique", "columns": ["a_id", "x"], "repair": "resample"}],
        },
    }
    rows = fb.generate({"tables": tables})["b"].to_pylist()
    assert len({(row["a_id"], row["x"]) for row in rows}) == 3
