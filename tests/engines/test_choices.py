"""Choices: weights, exact balance, values of any type."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.engines.kinds.choice import exact_counts
from fabula.kinds.choice import Choice
from tests.engines.builders import five_sigma_share, made

N = 100_000
ZONE = dt.timezone(dt.timedelta(hours=5))


def picked(column: dict[str, Any], n: int = N) -> list[Any]:
    return made({"x": {"kind": "choice", **column}}, n)["x"].to_pylist()


@pytest.mark.parametrize(
    "values",
    [{"dress": 3, "shoes": 2, "bag": 1}, {"a": 1e-3, "b": 1}, {"a": 0, "b": 1, "c": 0, "d": 1}],
)
def test_values_have_their_weights(values: dict[str, float]) -> None:
    """Categories."""
    counts, total = Counter(picked({"values": values})), sum(values.values())
    for value, weight in values.items():
        p = weight / total
        assert abs(counts[value] / N - p) < five_sigma_share(p, N)
        assert weight > 0 or counts[value] == 0


def test_values_without_weights_are_alike() -> None:
    counts = Counter(picked({"values": list(range(1_000))}))
    assert max(abs(counts[i] / N - 0.001) for i in range(1_000)) < five_sigma_share(0.001, N)


@pytest.mark.parametrize("n", [1, 3, 100, 65_537])
@pytest.mark.parametrize("values", [{"a": 1, "b": 1, "c": 1}, {"x": 90, "y": 9.5, "z": 0.5}])
def test_exact_balance_rounds_by_largest_remainder(n: int, values: dict[str, float]) -> None:
    """Every share is met, over all blocks."""
    counts = Counter(picked({"values": values, "balance": "exact"}, n))
    total = sum(values.values())
    wanted = {value: n * weight / total for value, weight in values.items()}
    floors = {value: int(share + 1e-9) for value, share in wanted.items()}
    by_remainder = sorted(values, key=lambda value: floors[value] - wanted[value])
    for value in by_remainder[: n - sum(floors.values())]:
        floors[value] += 1
    assert {value: counts[value] for value in values} == floors


@given(weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=20), rows=st.integers(0, 10_000))
def test_exact_counts_add_up_and_are_near_their_shares(weights: list[float], rows: int) -> None:
    column = Choice(values=tuple(range(len(weights))), weights=tuple(weights))
    counts = exact_counts(column, rows)
    assert counts.sum() == rows
    assert np.abs(counts - np.array(weights) / sum(weights) * rows).max() < 1


def test_exact_balance_is_shuffled() -> None:
    """No order shows."""
    values = picked({"values": ["a", "b"], "balance": "exact"}, 10_000)
    first = Counter(values[:5_000])["a"]
    assert abs(first - 2_500) < 5 * np.sqrt(10_000 / 16)


@pytest.mark.parametrize(
    ("values", "kind", "shown"),
    [
        (["a", "é", "😀", ""], "dictionary", None),
        ([1, -2, 2**62], "int64", None),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([True, False], "bool", None),
        ([True, False, None], "bool", None),
        (["a", None], "dictionary", None),
        ([1, None], "int64", None),
        ([None], "bool", None),
        ([dt.date(1850, 1, 1), dt.date(9999, 12, 31)], "date32", None),
        ([dt.datetime(1850, 1, 1, 5), dt.datetime(2500, 1, 1)], "timestamp", None),
        (
            [dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, 5)],
            "timestamp",
            [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, 5)],
        ),
        ([dt.datetime(2024, 1, 1, 5, tzinfo=ZONE)], "timestamp", [dt.datetime(2024, 1, 1, 5)]),
        (["a", 1, 2.5, True], "dictionary", ["a", "1", "2.5", "true"]),
        (["{{ x }}", "'; DROP", 'q"'], "dictionary", None),
        (["x" * 1_000_000, "y"], "dictionary", None),
    ],
)
def test_values_of_any_type_come_back(values: list[Any], kind: str, shown: Any) -> None:
    """Booleans, nulls, mixed types, old and far dates, huge texts; times as on the wall."""
    column = made({"x": {"kind": "choice", "values": values}}, 300)["x"]
    assert str(column.type).startswith(kind)
    assert set(column.to_pylist()) == set(shown or values)


def test_a_constant_time_keeps_the_wall_clock() -> None:
    """A time zone is not converted silently, in no kind."""
    moment = dt.datetime(2024, 1, 1, 5, tzinfo=ZONE)
    columns: dict[str, dict[str, Any]] = {
        "constant": {"kind": "constant", "value": moment},
        "choice": {"kind": "choice", "values": [moment]},
        "sequence": {"kind": "sequence", "start": moment, "step": "1d"},
        "drawn": {"kind": "datetime", "start": moment, "within": "1s"},
    }
    (row,) = made(columns, 1).to_pylist()
    assert set(row.values()) == {dt.datetime(2024, 1, 1, 5)}
