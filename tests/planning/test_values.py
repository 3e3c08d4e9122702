"""Constants that no value can follow from are named before a run, all at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.builders import drawn, made, violation, violations


def of(column: dict[str, Any]) -> dict[str, Any]:
    return {"t": {"n": 10, "columns": {"x": column}}}


BAD_NUMBERS = [
    ({"kind": "normal", "std": -1}, "std", "`std` must not be below 0"),
    ({"kind": "lognormal", "sigma": 0}, "sigma", "`sigma` must be above 0"),
    ({"kind": "lognormal", "median": -60}, "median", "`median` must be above 0"),
    ({"kind": "exponential", "mean": -1}, "mean", "`mean` must not be below 0"),
    ({"kind": "gamma", "shape": 0}, "shape", "`shape` must be above 0"),
    ({"kind": "gamma", "shape": 1, "scale": -2}, "scale", "`scale` must be above 0"),
    ({"kind": "beta", "a": 0, "b": 1}, "a", "`a` must be above 0"),
    ({"kind": "beta", "a": 1, "b": -1}, "b", "`b` must be above 0"),
    ({"kind": "pareto", "shape": 2, "min": 0}, "min", "`min` must be above 0"),
    ({"kind": "poisson", "mean": -3}, "mean", "`mean` must not be below 0"),
    ({"kind": "poisson", "mean": 1e30}, "mean", "`mean` is too large to count"),
    ({"kind": "binomial", "trials": -1, "p": 0.5}, "trials", "`trials` must not be below 0"),
    ({"kind": "binomial", "trials": 3, "p": 1.5}, "p", "`p` must lie in 0 to 1"),
    ({"kind": "bernoulli", "p": -0.1}, "p", "`p` must lie in 0 to 1"),
    ({"kind": "zipf", "min": 5}, "min", "a `zipf` rank starts at 1"),
    ({"kind": "key", "step": 0}, "step", "`step` must not be 0"),
    ({"kind": "sequence", "step": 0}, "step", "`step` must not be 0"),
    ({"kind": "constant", "value": 2**70}, "value", f"{2**70} is not a 64-bit whole number"),
    ({"kind": "choice", "values": [1, 2**70]}, "values", f"{2**70} is not a 64-bit whole number"),
    (
        {"kind": "datetime", "start": "2024-01-01", "within": "9999999y"},
        "within",
        "`within: 9999999y` leads beyond the year 9999",
    ),
    (
        {"kind": "mixture", "of": [{"kind": "normal", "std": -1}]},
        "of.0.std",
        "`std` must not be below 0",
    ),
    (
        {"kind": "mixture", "of": [{"kind": "normal", "mean": "y"}]},
        "of.0.mean",
        "a part of a mixture takes plain numbers, and `mean` is an expression",
    ),
    (
        {"kind": "mixture", "min": "y", "of": [{"kind": "normal"}]},
        "min",
        "`min` of a mixture must be a plain number",
    ),
]


@pytest.mark.parametrize(("column", "place", "message"), BAD_NUMBERS)
def test_a_number_that_can_not_be_is_named(
    column: dict[str, Any], place: str, message: str
) -> None:
    found = violation(of(column))
    assert (found.code, found.message) == ("spec.bad-number", message)
    assert found.where == f"tables.t.columns.x.{place}"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"kind": "normal", "min": 5, "max": 3}, "the lowest is 5 and the highest 3"),
        ({"kind": "uniform", "min": 5, "max": 3}, "the lowest is 5 and the highest 3"),
        ({"kind": "beta", "a": 1, "b": 1, "min": 2}, "the lowest is 2 and the highest 1"),
        ({"kind": "poisson", "mean": 2, "max": -5}, "the lowest is 0 and the highest -5"),
        ({"kind": "binomial", "trials": 3, "p": 0.5, "min": 4}, "lowest is 4 and the highest 3"),
        ({"kind": "gamma", "shape": 1, "max": -1}, "the lowest is 0 and the highest -1"),
        (
            {"kind": "uniform", "min": 0.2, "max": 0.3, "decimals": 0},
            "no value with 0 decimals lies between `min` and `max`",
        ),
        (
            {"kind": "datetime", "start": "2024-01-02", "end": "2024-01-01"},
            "`start` 2024-01-02 00:00:00 is not before `end` 2024-01-01 00:00:00",
        ),
    ],
)
def test_a_range_without_any_value_is_named(column: dict[str, Any], message: str) -> None:
    found = violation(of(column))
    assert found.code == "spec.empty-range"
    assert message in found.message


def test_bounds_with_more_digits_than_a_number_holds_are_named() -> None:
    found = violation(of({"kind": "uniform", "min": 0, "max": 1e18, "decimals": 2}))
    assert found.code == "spec.bad-number"
    assert found.message == "a bound with 2 decimals has more than 18 digits"
    assert found.hint == "use fewer decimals or smaller bounds"


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        ("[", "unterminated character set"),
        ("(?=a)b", "look-around can't be drawn"),
        ("(a{1,30}){1,30}", "the repeats are too many"),
    ],
)
def test_a_pattern_that_can_not_be_drawn_is_named(regex: str, message: str) -> None:
    found = violation(of({"kind": "pattern", "regex": regex}))
    assert (found.code, found.where) == ("spec.bad-regex", "tables.t.columns.x.regex")
    assert message in found.message


def test_a_broken_pattern_that_must_be_unique_is_one_problem() -> None:
    assert violation(of({"kind": "pattern", "regex": "[", "unique": True})).code == "spec.bad-regex"


def test_a_key_is_never_missing() -> None:
    found = violation(of({"kind": "key", "nulls": 0.1}))
    assert (found.code, found.message) == ("spec.bad-key", "a key can't be missing")
    assert found.hint == "leave out `nulls`, or use `kind: sequence`"


def test_a_sequence_of_numbers_has_no_step_in_days() -> None:
    found = violation(of({"kind": "sequence", "start": 1, "step": "12h"}))
    assert (found.code, found.hint) == ("spec.wrong-type", "write `step: 1`")


def test_a_sequence_with_a_broken_step_has_broken_numbers() -> None:
    assert list(drawn({"kind": "sequence", "start": 1, "step": 0.5}, 3)) == [1.0, 1.5, 2.0]


def test_all_problems_are_found_at_once() -> None:
    """Every violation, not the first only."""
    columns = {f"c{i}": column for i, (column, _, _) in enumerate(BAD_NUMBERS)}
    found = violations({"t": {"n": 10, "columns": columns}})
    assert [item.where for item in found] == [
        f"tables.t.columns.c{i}.{place}" for i, (_, place, _) in enumerate(BAD_NUMBERS)
    ]


@pytest.mark.parametrize("edge", [{"min": 0, "max": 0}, {"min": -0.0, "max": 1e-300}])
def test_narrow_ranges_are_fine(edge: dict[str, float]) -> None:
    values = drawn({"kind": "uniform", **edge}, 10)
    assert (values >= edge["min"]).all()
    assert (values <= edge["max"]).all()


def test_degenerate_distributions_are_fine() -> None:
    """A spread of nothing, a chance of nothing."""
    columns: dict[str, dict[str, Any]] = {
        "a": {"kind": "normal", "mean": 3, "std": 0},
        "b": {"kind": "poisson", "mean": 0},
        "c": {"kind": "binomial", "trials": 0, "p": 0.5},
        "d": {"kind": "binomial", "trials": 4, "p": 1},
        "e": {"kind": "bernoulli", "p": 0},
        "f": {"kind": "zipf", "max": 1},
        "g": {"kind": "exponential", "mean": 0},
    }
    assert (
        made(columns, 3).to_pylist()
        == [{"a": 3.0, "b": 0, "c": 0, "d": 4, "e": False, "f": 1, "g": 0.0}] * 3
    )
