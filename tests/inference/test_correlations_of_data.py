"""What a guessed spec says of numbers that rise and fall together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.inference.correlations import MOST_COLUMNS
from fabula.io.arrays import correlation, mean_ranks

N = 4_000


def houses(seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    size = rng.lognormal(4.6, 0.4, N).round(1)
    price = (size * 2_000 * rng.lognormal(0, 0.3, N)).round(-2)
    rooms = np.clip(np.round(size / 28 + rng.normal(0, 0.7, N)), 1, 8).astype(int)
    return pa.table({"size": size, "price": price, "rooms": rooms, "noise": rng.normal(0, 1, N)})


def rank_correlation(table: pa.Table, one: str, other: str) -> float:
    ranks = [mean_ranks(table[name].to_numpy()) for name in (one, other)]
    return correlation(*ranks)


@pytest.mark.parametrize("pair", [("size", "price"), ("size", "rooms"), ("price", "rooms")])
def test_numbers_and_listed_numbers_rise_together_as_in_the_data(pair: tuple[str, str]) -> None:
    real = houses()
    made = fb.generate(fb.infer({"houses": real}), seed=3)["houses"]
    assert abs(rank_correlation(made, *pair) - rank_correlation(real, *pair)) < 0.06


def test_numbers_that_vary_by_themselves_stay_alone() -> None:
    (group,) = fb.infer({"houses": houses()}).spec.tables["houses"].correlations
    assert set(group.columns) == {"size", "price", "rooms"}


def test_missing_values_cost_a_column_no_correlation() -> None:
    real = houses()
    gaps = np.random.default_rng(1).random(N) < 0.2
    price = pa.array(real["price"].to_numpy(), mask=gaps)
    found = fb.infer({"houses": real.set_column(1, "price", price)})
    made = fb.generate(found, seed=3)["houses"]
    known = made.filter(made["price"].is_valid())
    assert known.num_rows < made.num_rows
    assert (
        abs(rank_correlation(known, "size", "price") - rank_correlation(real, "size", "price"))
        < 0.06
    )


def test_correlations_beyond_the_largest_matrix_are_named() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 1, 500)
    wide = {
        f"x{at:02}": (shared + rng.normal(0, 1, 500)).round(4) for at in range(MOST_COLUMNS + 3)
    }
    found = fb.infer({"wide": pa.table(wide)})
    assert len(found.spec.tables["wide"].correlations[0].columns) == MOST_COLUMNS
    assert any("correlations of 3 more columns" in note for note in found.notes)
    fb.generate(found)


def test_contradicting_correlations_of_pairs_with_gaps_still_generate() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 1, 900)
    pairs = {"a": (0, 1, 1), "b": (1, 0, 1), "c": (1, -1, 0)}  # each pair is known in other rows
    columns = {}
    for name, signs in pairs.items():
        part = np.repeat(signs, 300)
        columns[name] = pa.array((part * shared + rng.normal(0, 0.1, 900)).round(4), mask=part == 0)
    made = fb.generate(fb.infer({"t": pa.table(columns)}))
    assert made["t"].num_rows == 900


def test_a_matrix_is_written_a_row_a_line() -> None:
    real = houses()
    for at in range(3):
        noise = np.random.default_rng(at).lognormal(0, 0.3, N)
        worth = (real["price"].to_numpy() * noise).round(-2)
        real = real.append_column(f"taxable_value_{at}", pa.array(worth))
    assert "        matrix:\n          - [1.0, " in fb.infer({"houses": real}).to_yaml()
